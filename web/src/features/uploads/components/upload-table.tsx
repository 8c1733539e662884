import { Link } from '@tanstack/react-router';

import { Time } from '@/components/time';
import type { Upload, UploadState } from '@/lib/api/types';
import { bytes, count } from '@/lib/format';

const LOOK: Record<UploadState, { label: string; look: string }> = {
  created: { label: 'not sent yet', look: '' },
  uploaded: { label: 'sent', look: 'info' },
  analysing: { label: 'reading', look: 'info' },
  awaiting_confirmation: { label: 'waiting for you', look: 'warn' },
  loading: { label: 'writing', look: 'info' },
  published: { label: 'published', look: 'good' },
  failed: { label: 'failed', look: 'bad' },
  cancelled: { label: 'cancelled', look: '' },
};

export const StateBadge = ({ state }: { state: UploadState }) => <span className={`badge ${LOOK[state].look}`}>{LOOK[state].label}</span>;

export function UploadTable({ uploads, withDataset }: { uploads: readonly Upload[]; withDataset: boolean }) {
  return (
    <div className="card" style={{ overflow: 'hidden' }}>
      <table className="list-table folds">
        <thead>
          <tr>
            <th scope="col">File</th>
            <th scope="col">State</th>
            {withDataset ? <th scope="col">Dataset</th> : null}
            <th scope="col" className="num">Rows</th>
            <th scope="col" className="num">Quarantined</th>
            <th scope="col" className="num">Size</th>
            <th scope="col">When</th>
          </tr>
        </thead>
        <tbody>
          {uploads.map((upload) => (
            <tr key={upload.id}>
              <td style={{ minWidth: 140 }}>
                <Link to="/uploads/$id" params={{ id: upload.id }}><b style={{ fontWeight: 600 }}>{upload.file_name}</b></Link>
                {upload.table ? <span className="small faint"> · {upload.table}</span> : null}
              </td>
              <td>
                {upload.state === 'awaiting_confirmation' ? (
                  <Link to="/uploads/$id/preview" params={{ id: upload.id }} title="Look at the preview"><StateBadge state={upload.state} /></Link>
                ) : (
                  <StateBadge state={upload.state} />
                )}
              </td>
              {withDataset ? (
                <td>{upload.version ? <Link to="/datasets/$id" params={{ id: upload.dataset_id }}>{upload.dataset_name} v{upload.version}</Link> : <span className="faint">{upload.dataset_name}</span>}</td>
              ) : null}
              <td className="num">{upload.receipt ? count(upload.receipt.rows_read) : '–'} <span className="phone-only">rows</span></td>
              <td className="num">{upload.receipt ? count(upload.receipt.quarantined) : '–'} <span className="phone-only">quarantined</span></td>
              <td className="num">{bytes(upload.bytes_total)}</td>
              <td style={{ whiteSpace: 'nowrap' }}><Time iso={upload.created_at} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
