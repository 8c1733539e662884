import { Link, useNavigate } from '@tanstack/react-router';
import { Ban, CircleAlert, CircleCheck } from 'lucide-react';
import { useEffect } from 'react';

import { Button } from '@/components/button';
import { Empty, Failed, Skeleton } from '@/components/states';
import { PreviewView } from '@/features/preview/components/preview-view';
import { type PreviewState, usePreview } from '@/features/preview/use-preview';
import { isOver } from '@/features/uploads/upload-state';
import { follow } from '@/features/uploads/upload-store';
import type { Upload } from '@/lib/api/types';
import { notify } from '@/lib/notices';

/** A file before it is imported. Everything about it is the server's, so that a reload or another window shows the same. */
export function PreviewPage({ id }: { id: string }) {
  const navigate = useNavigate();
  const state = usePreview(id);
  const { query, upload, confirm } = state;
  const isOurs = confirm.isSuccess;
  const published = upload?.state === 'published' ? upload : null;
  const underway = upload && !isOver(upload) ? upload : null;
  useEffect(() => {
    if (!underway) return;
    // Its progress is the dock's, also of an upload that was put away there.
    follow(underway);
    document.title = `Preview of ${underway.file_name} · Gridkeep`;
    return () => {
      document.title = 'Gridkeep';
    };
  }, [underway]);
  useEffect(() => {
    if (!isOurs || !published) return;
    follow(published);
    const next = published.tables.find((table) => !isOver(table));
    if (next) {
      notify({ text: `Imported ${published.table ?? published.file_name} into ${published.dataset_name}. Next: ${next.name}.` });
      void navigate({ to: '/uploads/$id/preview', params: { id: next.upload_id } });
    } else void navigate({ to: '/datasets/$id', params: { id: published.dataset_id } });
  }, [isOurs, published, navigate]);

  if (query.isPending) return <Skeleton lines={8} />;
  if (!upload) return <Failed error={query.error} what="The upload could not be read" onRetry={() => void query.refetch()} actions={<Link to="/uploads" className="btn">Go to uploads</Link>} />;
  return (
    <>
      <Bar upload={upload} state={state} />
      {isOver(upload) ? <Over upload={upload} /> : <PreviewView upload={upload} state={state} />}
    </>
  );
}

function Bar({ upload, state }: { upload: Upload; state: PreviewState }) {
  const { isReading, isLocked, canImport, settled, confirmed, confirm, cancel } = state;
  return (
    <div className="preview-bar">
      <h1 className="cut grow" title={nameOf(upload)}>Preview of {nameOf(upload)}</h1>
      {isOver(upload) ? null : (
        <>
          <Button look="quiet" onPress={() => cancel.mutate()} isDisabled={isLocked}>{upload.tables.length > 1 && upload.table ? `Cancel ${upload.table}` : 'Cancel import'}</Button>
          <Button look="primary" onPress={() => confirm.mutate(upload.generation)} isDisabled={isLocked || !canImport}>
            {confirmed ? 'Importing…' : isReading && !settled && canImport ? 'Import once it is written' : 'Import'}
          </Button>
        </>
      )}
    </div>
  );
}

const nameOf = (upload: Upload): string => (upload.table ? `${upload.file_name} · ${upload.table}` : upload.file_name);

/** What became of it. */
function Over({ upload }: { upload: Upload }) {
  const receipt = <Link to="/uploads/$id" params={{ id: upload.id }} className="btn">{upload.state === 'published' ? 'Receipt' : 'About this upload'}</Link>;
  if (upload.state === 'published' && upload.version) {
    return (
      <Empty
        icon={<CircleCheck size={28} aria-hidden />}
        title="Imported"
        actions={<><Link to="/datasets/$id" params={{ id: upload.dataset_id }} search={{ version: upload.version }} className="btn primary">Open v{upload.version}</Link>{receipt}</>}
      >
        The rows of {nameOf(upload)} are v{upload.version} of {upload.dataset_name}.
      </Empty>
    );
  }
  if (upload.state === 'cancelled') {
    return <Empty icon={<Ban size={28} aria-hidden />} title="Cancelled" actions={receipt}>Nothing of {nameOf(upload)} was imported.</Empty>;
  }
  return (
    <Empty icon={<CircleAlert size={28} aria-hidden />} title={upload.problem?.title ?? 'Failed'} actions={receipt}>
      {upload.problem?.detail} Nothing of {nameOf(upload)} was imported.
    </Empty>
  );
}
