import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { CircleAlert } from 'lucide-react';

import { Failed, Skeleton } from '@/components/states';
import { uploadQuery } from '@/features/uploads/api';
import { FileTables } from '@/features/uploads/components/file-tables';
import { ReceiptDetails, ReceiptLine } from '@/features/uploads/components/receipt';
import { StateBadge } from '@/features/uploads/components/upload-table';
import { Warnings } from '@/features/uploads/components/warnings';
import { warningCount } from '@/features/uploads/receipt-lines';
import { isOver } from '@/features/uploads/upload-state';
import type { Upload } from '@/lib/api/types';
import { typeName } from '@/lib/cells';
import { bytes, count, exactTime } from '@/lib/format';

const MODES: Partial<Record<Upload['mode'], string>> = { new: 'makes', append: 'appends to', replace: 'replaces the rows of', upsert: 'updates', sync: 'synchronises' };

function Columns({ upload }: { upload: Upload }) {
  if (!upload.plan) return null;
  return (
    <section className="stack">
      <h2>Columns found</h2>
      <div className="card" style={{ overflow: 'auto' }} tabIndex={0} role="region" aria-label="Columns found">
        <table className="list-table" style={{ minWidth: 520 }}>
          <thead>
            <tr><th scope="col">Column</th><th scope="col">Type</th><th scope="col">Format</th><th scope="col">Null is written</th></tr>
          </thead>
          <tbody>
            {upload.plan.columns.map((column) => (
              <tr key={column.id}>
                <td>{column.name}{column.header !== column.name ? <span className="small faint"> · in the file: {column.header === '' ? 'no name' : column.header}</span> : null}</td>
                <td>{typeName(column.type)}{column.fixed ? <span className="small faint"> · fixed</span> : null}</td>
                <td className="mono">{column.format ?? '–'}</td>
                <td className="mono">{column.null_token === null || column.null_token === undefined ? <span className="faint">no null</span> : column.null_token === '' ? 'empty cell' : column.null_token}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** One import's account: what was read, what became of it, what was found. */
export function UploadPage({ id }: { id: string }) {
  const query = useQuery({
    ...uploadQuery(id),
    refetchInterval: ({ state }) => (state.data && !(isOver(state.data) && state.data.tables.every(isOver)) ? 1500 : false),
  });
  if (query.isPending) return <Skeleton lines={8} />;
  if (!query.data) return <Failed error={query.error} what="The upload could not be read" onRetry={() => void query.refetch()} actions={<Link to="/uploads" className="btn">Go to uploads</Link>} />;
  const upload = query.data;
  return (
    <div className="page">
      <div className="page-head">
        <h1>{upload.file_name}{upload.table ? ` · ${upload.table}` : ''}</h1>
        {isOver(upload) || upload.confirm === 'auto' ? null : <Link to="/uploads/$id/preview" params={{ id }} className="btn primary">Look at the preview</Link>}
        {upload.version ? <Link to="/datasets/$id" params={{ id: upload.dataset_id }} search={{ version: upload.version }} className="btn primary">Open {upload.dataset_name.length > 30 ? 'dataset' : upload.dataset_name} v{upload.version}</Link> : null}
      </div>
      <div className="row" style={{ flexWrap: 'wrap' }}>
        <StateBadge state={upload.state} />
        <span className="small faint">{bytes(upload.bytes_total)} · {MODES[upload.mode]} {upload.dataset_name} · {exactTime(upload.created_at)}</span>
      </div>
      {upload.problem ? (
        <div className="notice bad" role="alert">
          <CircleAlert size={16} aria-hidden />
          <div><b>{upload.problem.title}.</b> {upload.problem.detail} <span>Nothing of {upload.tables.length > 1 ? 'this table' : 'this file'} was imported.</span>
            {upload.problem.request_id ? <div className="small mono">Request {upload.problem.request_id}</div> : null}
          </div>
        </div>
      ) : null}
      {upload.receipt ? (
        <section className="card stack receipt" style={{ padding: 20, gap: 6 }}>
          <h2>Receipt</h2>
          <ReceiptLine receipt={upload.receipt} />
          <ReceiptDetails receipt={upload.receipt} />
          {upload.receipt.quarantined > 0 ? (
            <p><Link to="/datasets/$id" params={{ id: upload.dataset_id }} search={{ tab: 'quarantine' }}>See the {count(upload.receipt.quarantined)} quarantined</Link></p>
          ) : null}
        </section>
      ) : null}
      {upload.tables.length > 1 ? (
        <section className="card stack" style={{ padding: 20, gap: 6 }}>
          <h2>Tables of this file</h2>
          <FileTables fileName={upload.file_name} tables={upload.tables} current={upload.id} />
        </section>
      ) : null}
      <Warnings id={upload.id} generation={upload.generation} total={upload.receipt ? warningCount(upload.receipt) : 0} />
      <Columns upload={upload} />
    </div>
  );
}
