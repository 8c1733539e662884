import { Link } from '@tanstack/react-router';

import { Time } from '@/components/time';
import type { QuarantinedRow } from '@/lib/api/types';

/** What became of a record, when, and by whom. */
export function RecordOutcome({ dataset, row }: { dataset: string; row: QuarantinedRow }) {
  if (row.state === 'open' || !row.changed_at) return null;
  return (
    <span className="small faint record-link">
      {row.state === 'discarded' ? 'Discarded' : 'Resubmitted'}
      {row.version ? <> as a row of <Link to="/datasets/$id" params={{ id: dataset }} search={{ version: row.version }}>v{row.version}</Link></> : null} by {row.changed_by ?? 'somebody'}, <Time iso={row.changed_at} />
    </span>
  );
}
