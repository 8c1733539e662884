// What one row of a comparison shows in each column.
import type { ChangedRow, Column } from '@/lib/api/types';

import type { ChangeKind } from './column-changes';

export type DiffCell =
  /** The column is not there on this row's side. */
  | { kind: 'absent' }
  | { kind: 'same'; value: unknown }
  | { kind: 'added' | 'removed'; value: unknown }
  | { kind: 'changed'; before: unknown; after: unknown };

export interface Sides {
  /** Ids of the columns that the version compared from has, and the one compared with. */
  before: ReadonlySet<string>;
  after: ReadonlySet<string>;
}

const KINDS: Record<ChangedRow['change'], ChangeKind> = { inserted: 'added', updated: 'changed', deleted: 'removed' };

export const kindOf = (row: ChangedRow): ChangeKind => KINDS[row.change];

export function diffCell(row: ChangedRow, columns: readonly Column[], at: number, sides: Sides): DiffCell {
  const id = columns[at]?.id ?? '';
  const [was, is] = [row.before?.[at] ?? null, row.after?.[at] ?? null];
  if (row.change === 'inserted') return sides.after.has(id) ? { kind: 'added', value: is } : { kind: 'absent' };
  if (row.change === 'deleted') return sides.before.has(id) ? { kind: 'removed', value: was } : { kind: 'absent' };
  if (!sides.before.has(id)) return { kind: 'added', value: is };
  if (!sides.after.has(id)) return { kind: 'removed', value: was };
  return row.changed.includes(id) ? { kind: 'changed', before: was, after: is } : { kind: 'same', value: is };
}

/** Positions of the columns that any of the rows was changed in, or that only one version has; the first is always among them. */
export function changedColumns(rows: readonly ChangedRow[], columns: readonly Column[], sides: Sides): number[] {
  const ids = new Set(rows.flatMap((row) => row.changed));
  return columns.flatMap(({ id }, at) => (at === 0 || ids.has(id) || !sides.before.has(id) || !sides.after.has(id) ? [at] : []));
}
