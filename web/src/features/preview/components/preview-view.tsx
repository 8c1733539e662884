import '../preview.css';
import '@/features/uploads/components/uploads.css';

import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { ProblemNotice } from '@/components/states';
import { datasetQuery } from '@/features/datasets/api';
import { Warnings } from '@/features/uploads/components/warnings';
import { codeOf } from '@/lib/api/problem';
import type { Options, Upload } from '@/lib/api/types';
import { useNarrow } from '@/lib/use-narrow';

import { keepsColumns, landingColumns } from '../columns';
import { isReadingOption, withType } from '../options';
import type { PreviewState } from '../use-preview';
import { placeOf, warningsOfFile } from '../words';
import { Apart } from './apart';
import { ColumnMapping } from './column-mapping';
import { Destination } from './destination';
import { FileReading } from './file-reading';
import { LandingRows } from './landing-rows';
import { LostChoices } from './lost-choices';
import { PreviewSummary } from './preview-summary';
import { PreviewTables } from './preview-tables';
import { RowChanges } from './row-changes';
import { SetAside } from './set-aside';

interface PreviewViewProps {
  upload: Upload;
  state: PreviewState;
}

/** What becomes of a file before it does, and everything that can be chosen of it. */
export function PreviewView({ upload, state }: PreviewViewProps) {
  const { read, preview: query, change, confirm, cancel, isReading, isLocked, isKeyless, confirmed, settled } = state;
  const dataset = useQuery({ ...datasetQuery(upload.dataset_id), enabled: upload.mode !== 'new' }).data ?? null;
  const narrow = useNarrow();
  const { options } = upload;
  const problem = upload.problem ?? null;
  const preview = query.data;
  const plan = read?.plan ?? null;
  const place = placeOf(problem);
  // While it is published there is nothing to look at any more.
  const hasFailed = plan !== null && problem === null && query.isError && !preview && !confirmed;
  const setOptions = (of: (options: Options) => Options): void => change.mutate({ of: (now) => ({ options: of(now.options) }) });
  const counts = settled && !isReading && !isKeyless ? (preview?.counts ?? null) : null;
  // Before the file has come nothing of it can be chosen; once it was read, or could not be, all of it can.
  const isShown = plan !== null || problem !== null;
  return (
    <div className="preview">
      <div className="preview-top">
        <PreviewTables upload={upload} isLocked={isLocked} />
        <PreviewSummary upload={upload} state={state} preview={preview} />
        {isReading ? null : <Apart upload={upload} preview={preview} isLocked={isLocked} onChange={setOptions} />}
        {change.isError && !(codeOf(change.error) === 'conflict' && state.moved) ? <ProblemNotice error={change.error} /> : null}
        {confirm.isError && !(codeOf(confirm.error) === 'conflict' && (state.moved || problem)) ? <ProblemNotice error={confirm.error} /> : null}
        {cancel.isError ? <ProblemNotice error={cancel.error} /> : null}
        {hasFailed ? <ProblemNotice error={query.error} onRetry={() => void query.refetch()} /> : null}
        <LostChoices lost={state.lost} options={options} plan={isReading ? null : (upload.plan ?? null)} isLocked={isLocked} keeps={keepsColumns(upload.mode)} onAgain={state.chooseAgain} onForget={state.forgetLost} />
      </div>
      <div className="preview-main">
        {plan ? (
          <section className="stack" aria-labelledby="first-rows">
            <h2 id="first-rows">First rows as they will land</h2>
            <LandingRows
              columns={landingColumns(plan, preview, options)}
              rows={preview?.rows ?? []}
              options={options}
              isReading={isReading || problem !== null || !preview}
              isLocked={isLocked}
              onType={(source, type) => setOptions((now) => withType(now, source, type))}
            />
          </section>
        ) : null}
        {counts && preview && dataset ? <RowChanges dataset={dataset} preview={preview} counts={counts} /> : null}
        {isShown ? <ColumnMapping plan={plan} options={options} dataset={keepsColumns(upload.mode) ? dataset : null} problem={problem} isLocked={isLocked} onChange={setOptions} /> : null}
        {preview && !isReading ? <SetAside places={preview.quarantined} total={counts?.quarantined ?? null} /> : null}
        {preview && !isReading ? <Warnings id={upload.id} generation={preview.generation} total={warningsOfFile(preview.warnings)} /> : null}
      </div>
      {isShown ? (
        <aside className="preview-side" aria-label="Choices">
          {dataset ? <Fold isFolded={narrow && place?.option !== 'mode' && place?.option !== 'key'} title="Where the rows go"><Destination upload={upload} dataset={dataset} problem={problem} way={state.way} isKeyless={isKeyless} isLocked={isLocked} onChoose={state.choose} /></Fold> : null}
          <Fold isFolded={narrow && (place === null || !isReadingOption(place.option))} title="How the file is read">
            <FileReading plan={plan} options={options} problem={problem} isOneOfSeveral={isOneOfSeveral(upload)} isLocked={isLocked} onChange={state.readAs} />
          </Fold>
        </aside>
      ) : null}
    </div>
  );
}

/** Another import reads another table of the file: this one stays with its own. */
const isOneOfSeveral = (upload: Upload): boolean => upload.first != null || upload.tables.some((table) => table.upload_id !== upload.id && table.state !== 'cancelled');

/** A phone shows the rows first. */
function Fold({ isFolded, title, children }: { isFolded: boolean; title: string; children: ReactNode }) {
  if (!isFolded) return children;
  return (
    <details className="card preview-fold">
      <summary>{title}</summary>
      {children}
    </details>
  );
}
