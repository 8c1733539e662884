import { useMemo } from 'react';

import { ChangeCount } from '@/features/compare/components/change-counts';
import { DiffTable } from '@/features/compare/components/diff-table';
import type { ChangedRow, Dataset, Preview, PreviewCounts } from '@/lib/api/types';

import { firstShown } from '../words';

interface RowChangesProps {
  dataset: Dataset;
  preview: Preview;
  counts: PreviewCounts;
}

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
const nothing = (): void => undefined;

/** The first rows of the dataset that change or go, as a comparison in History shows them. */
export function RowChanges({ dataset, preview, counts }: RowChangesProps) {
  const { columns } = preview;
  const rows = useMemo(
    () => [
      ...preview.updated.map(({ row_id, before, after }): ChangedRow => ({ row_id, change: 'updated', before, after, changed: columns.flatMap(({ id }, at) => (same(before[at], after[at]) ? [] : [id])) })),
      ...preview.deleted.map(({ row_id, cells }): ChangedRow => ({ row_id, change: 'deleted', before: cells, after: null, changed: [] })),
    ],
    [preview, columns],
  );
  const sides = useMemo(() => ({ before: new Set(dataset.columns.map(({ id }) => id)), after: new Set(columns.map(({ id }) => id)) }), [dataset, columns]);
  const shown = useMemo(() => columns.map((_, at) => at), [columns]);
  if (rows.length === 0) return null;
  return (
    <section className="stack" aria-labelledby="row-changes">
      <div className="row" style={{ flexWrap: 'wrap' }}>
        <h2 id="row-changes">Rows that change</h2>
        <span className="grow" />
        {counts.updated > 0 ? <ChangeCount kind="changed" n={counts.updated} word="changed" /> : null}
        {counts.deleted > 0 ? <ChangeCount kind="removed" n={counts.deleted} word="deleted" /> : null}
      </div>
      <div className="card preview-diff" style={{ height: Math.min(420, 54 + rows.length * 32) }}>
        <DiffTable dataset={dataset.id} from={dataset.version} to={null} columns={columns} shown={shown} sides={sides} rows={rows} total={rows.length} onNearEnd={nothing} />
      </div>
      {rows.length < counts.updated + counts.deleted ? <p className="small faint">{firstShown(rows.length)}</p> : null}
    </section>
  );
}
