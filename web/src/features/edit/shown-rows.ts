// Rows as the grid shows them in a session: the base version's with the changes on them, and the new ones below.
import type { Column, Row } from '@/lib/api/types';

import type { BadCell } from './session-store';
import { type CellChange, isLocal, type Session } from './session';
import { hint } from './values';

export interface ShownRow {
  rowId: string;
  cells: readonly unknown[];
  mark: 'new' | 'deleted' | null;
  changed: ReadonlyMap<string, CellChange> | undefined;
}

const UNCHANGED = { mark: null, changed: undefined } as const;

export function shownRow(row: Row, columns: readonly Column[], session: Session | null): ShownRow {
  const changed = session?.updates.get(row.row_id);
  const mark = session?.deleted.has(row.row_id) ? 'deleted' : null;
  if (!changed) return mark ? { rowId: row.row_id, cells: row.cells, mark, changed } : { rowId: row.row_id, cells: row.cells, ...UNCHANGED };
  return { rowId: row.row_id, cells: columns.map(({ id }, i): unknown => changed.get(id)?.after ?? (changed.has(id) ? null : row.cells[i])), mark, changed };
}

/** A new row; undefined when the session has none of this id. */
export function newRow(rowId: string, columns: readonly Column[], session: Session): ShownRow | undefined {
  const cells = session.added.get(rowId);
  return cells && { rowId, cells: columns.map(({ id }) => cells[id] ?? null), mark: 'new', changed: undefined };
}

/** What is wrong with a cell: as the server said, or as it probably will. */
export function problemAt(row: ShownRow, column: Column, at: number, bad: ReadonlyMap<string, BadCell>): string | null {
  const change = row.changed?.get(column.id);
  if (!change && row.mark !== 'new') return null;
  const value = row.cells[at];
  const after = typeof value === 'string' ? value : null;
  const said = bad.get(`${row.rowId}\t${column.id}`);
  // A cell that was changed since is not the one that was refused.
  if (said?.after === after) return said.message;
  return hint(column, after);
}

export const byCell = (bad: readonly BadCell[]): ReadonlyMap<string, BadCell> => new Map(bad.map((cell) => [`${cell.row}\t${cell.column ?? ''}`, cell]));

/** How a row is called: new ones have no id yet. */
export const rowName = (row: string): string => (isLocal(row) ? `New row ${row.slice(4)}` : `Row ${row}`);
