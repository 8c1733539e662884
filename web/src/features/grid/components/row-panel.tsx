import { useQuery } from '@tanstack/react-query';
import { X } from 'lucide-react';

import { IconButton } from '@/components/button';
import { Failed, Skeleton } from '@/components/states';
import { RowForm } from '@/features/edit/components/row-form';
import { isLocal } from '@/features/edit/session';
import { rowName } from '@/features/edit/shown-rows';
import type { Editing } from '@/features/edit/use-cell-editing';
import { api, unwrap } from '@/lib/api/client';
import type { Column } from '@/lib/api/types';
import { cellText, isCut, typeMark } from '@/lib/cells';
import { count } from '@/lib/format';

interface RowPanelProps {
  dataset: string;
  version: number;
  rowId: string;
  columns: readonly Column[];
  /** The session that may change it; null while it is only read. */
  editing: Editing | null;
  onClose: () => void;
}

/** One row: beside the grid, or over it on a phone. In a session it is a form. */
export function RowPanel({ dataset, version, rowId, columns, editing, onClose }: RowPanelProps) {
  const local = isLocal(rowId);
  const row = useQuery({
    queryKey: ['row', dataset, version, rowId],
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/v1/datasets/{id}/rows/{row_id}', { params: { path: { id: dataset, row_id: rowId }, query: { version } }, signal })),
    staleTime: Infinity,
    enabled: !local,
  });
  return (
    <aside className="row-panel" aria-label={rowName(rowId)}>
      <header>
        <h2 className="grow">{rowName(rowId)}</h2>
        <IconButton label="Close row" onPress={onClose}>
          <X size={16} aria-hidden />
        </IconButton>
      </header>
      {row.isPending && !local ? <Skeleton /> : null}
      {row.isError ? <Failed error={row.error} what="The row could not be read" onRetry={() => void row.refetch()} /> : null}
      {editing && (local || row.data) ? <RowForm key={rowId} editing={editing} rowId={rowId} row={row.data ?? null} /> : null}
      {row.data && !editing ? (
        <dl tabIndex={0} aria-label="Cells">
          {columns.map((column, i) => {
            const value: unknown = row.data.cells[i];
            return (
              <div key={column.id}>
                <dt>
                  <span className="mono">{typeMark(column.type)}</span> {column.name}
                </dt>
                <dd>
                  {value === null ? <span className="faint">– null</span> : value === '' ? <span className="faint">empty text</span> : cellText(value)}
                  {isCut(value) ? <span className="faint"> … {count(value.chars)} characters</span> : null}
                </dd>
              </div>
            );
          })}
        </dl>
      ) : null}
    </aside>
  );
}
