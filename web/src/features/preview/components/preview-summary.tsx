import { Link } from '@tanstack/react-router';
import { RefreshCw } from 'lucide-react';

import { UploadProgress } from '@/features/uploads/components/upload-progress';
import { stageOf } from '@/features/uploads/upload-state';
import { useTracked } from '@/features/uploads/use-tracked';
import type { Preview, Upload } from '@/lib/api/types';
import { bytes, plural } from '@/lib/format';

import type { PreviewState } from '../use-preview';
import { hasControl, isRenewed, placeOf, rest, summary, warningsOfFile } from '../words';
import { ProblemAt } from './problem-at';

interface PreviewSummaryProps {
  upload: Upload;
  state: PreviewState;
  preview: Preview | undefined;
}

/** What the import will do, in a sentence; until that is known, how far the reading is. */
export function PreviewSummary({ upload, state, preview }: PreviewSummaryProps) {
  const item = useTracked().find(({ key }) => key === upload.id);
  const { confirmed, isReading, isKeyless } = state;
  const warned = warningsOfFile(preview?.warnings ?? {});
  const counts = isReading || isKeyless ? null : preview?.counts;
  return (
    <section className="card preview-sum" aria-label="What the import will do">
      <p className="words" role="status">
        {upload.problem ? 'The file cannot be imported like this.' : counts && !confirmed ? summary(counts, upload.mode) : told(upload, state)}
      </p>
      <p className="small faint">
        {upload.mode === 'new' ? <>Makes the dataset <b>{upload.dataset_name}</b></> : <>Into <Link to="/datasets/$id" params={{ id: upload.dataset_id }}>{upload.dataset_name}</Link></>} · {bytes(upload.bytes_total)} · {upload.confirm === 'auto' ? 'imported as soon as it is read' : 'nobody sees the rows before you import them'}
      </p>
      {counts && rest(counts) ? <p className="small faint">{rest(counts)}</p> : null}
      {counts && preview && isRenewed(preview.warnings) ? (
        <div className="notice warn">
          <RefreshCw size={15} aria-hidden />
          <span>So many rows change that all rows are written anew, under new row ids. Comparing this version with the one before will show every row as replaced.</span>
        </div>
      ) : null}
      {upload.problem || !isReading || !item ? null : <UploadProgress item={item} />}
      {state.moved ? (
        <div className="notice warn" role="alert">
          <RefreshCw size={15} aria-hidden />
          <span>This upload was changed elsewhere while you looked at it. {state.moved === 'change' ? 'What you chose last was not taken. ' : ''}What you see now is its newest reading: look at it again, then import.</span>
        </div>
      ) : null}
      {upload.problem && hasControl(placeOf(upload.problem)) ? <p className="small faint">What is at fault is marked below. Nothing was imported yet.</p> : null}
      {upload.problem && !hasControl(placeOf(upload.problem)) ? <ProblemAt problem={upload.problem} /> : null}
      {preview && !isReading && warned > 0 ? <p className="small faint">{plural(warned, 'warning')}, listed below.</p> : null}
    </section>
  );
}

function told(upload: Upload, { read, confirmed, settled, isKeyless, preview, change }: PreviewState): string {
  if (confirmed) return stageOf(upload, null, false) === 'publishing' ? 'Publishing…' : 'Confirmed. It is published once all rows are written…';
  if (isKeyless) return 'What the import will do depends on the key.';
  if (settled && !change.isPending) return preview.isError ? 'The preview could not be read.' : 'Reading the preview…';
  if (upload.state === 'loading' && upload.plan) return `${plural(upload.plan.rows, 'row')} found. Looking at what they change…`;
  if (upload.state === 'created') return 'The file is on its way…';
  return read ? 'Reading the file again…' : 'Reading the file…';
}
