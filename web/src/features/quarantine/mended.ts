// What somebody changed of records in quarantine, before it is resubmitted, and what came back.
import type { EditValue } from '@/features/edit/session';
import type { CellError, Column, QuarantinedRow, Resubmission } from '@/lib/api/types';
import { isCut } from '@/lib/cells';

/** Changed cells by column id; or the whole record written anew. */
export interface Mend {
  cells: ReadonlyMap<string, EditValue>;
  raw: string | null;
}

/** By the record's id. */
export type Mends = ReadonlyMap<string, Mend>;

const UNTOUCHED: Mend = { cells: new Map(), raw: null };

function put(mends: Mends, id: string, mend: Mend): Mends {
  const next = new Map(mends);
  if (mend.cells.size === 0 && mend.raw === null) next.delete(id);
  else next.set(id, mend);
  return next;
}

/** A cell becomes this; its own text again is no change. */
export function withCell(mends: Mends, row: QuarantinedRow, column: string, value: EditValue): Mends {
  const cells = new Map(mends.get(row.id)?.cells);
  if (value === ownCell(row, column)) cells.delete(column);
  else cells.set(column, value);
  return put(mends, row.id, { cells, raw: null });
}

export const withRaw = (mends: Mends, row: QuarantinedRow, raw: string): Mends => put(mends, row.id, { ...UNTOUCHED, raw: raw === row.raw ? null : raw });

export const without = (mends: Mends, ids: Iterable<string>): Mends => {
  const gone = new Set(ids);
  return new Map([...mends].filter(([id]) => !gone.has(id)));
};

/** As the file spells it, cut where it is long; null where the record has none. */
export function ownCell(row: QuarantinedRow, column: string): unknown {
  const cells: Record<string, unknown> = row.cells ?? {};
  return cells[column] ?? null;
}

/** As it would be resubmitted. */
export function cellOf(row: QuarantinedRow, mend: Mend | undefined, column: string): unknown {
  const changed = mend?.cells.get(column);
  return changed === undefined ? ownCell(row, column) : changed;
}

/** One that lies only in the file cannot become a row from here. */
export const isMendable = (row: QuarantinedRow): boolean => row.raw !== null && row.raw !== undefined;

/** The raw text stands here whole, so that it can be written anew. */
export const hasWholeText = (row: QuarantinedRow): boolean => isMendable(row) && !(row.raw && row.raw.length >= 10_000);

/** The request for these records. Of one with surplus cells every cell is said: nobody else can tell which belongs where. */
export function resubmissionOf(rows: readonly QuarantinedRow[], mends: Mends, columns: readonly Column[]): Resubmission {
  return {
    rows: rows.map((row) => {
      const mend = mends.get(row.id) ?? UNTOUCHED;
      if (mend.raw !== null) return { id: row.id, raw: mend.raw };
      const cells: Record<string, unknown> = Object.fromEntries(mend.cells);
      if (row.surplus.length > 0 && mend.cells.size > 0) {
        for (const { id } of columns) {
          const own = ownCell(row, id);
          if (!mend.cells.has(id) && !isCut(own)) cells[id] = own;
        }
      }
      return { id: row.id, cells: cells as Record<string, never> };
    }),
  };
}

/** Why a record was not taken: by column id, or as a whole under null. */
export type Refusals = ReadonlyMap<string, ReadonlyMap<string | null, string>>;

export function refusalsOf(errors: readonly CellError[]): Refusals {
  const refusals = new Map<string, Map<string | null, string>>();
  for (const { row_id: id, column, message } of errors) {
    if (!id) continue;
    const ofRow = refusals.get(id) ?? new Map<string | null, string>();
    refusals.set(id, ofRow.set(column ?? null, message));
  }
  return refusals;
}

/** Why this cell does not fit: what the last attempt said, else what the import said, as long as nobody changed it since. */
export function whyNot(row: QuarantinedRow, mend: Mend | undefined, refusals: Refusals, column: Column): string | null {
  const told = refusals.get(row.id)?.get(column.id);
  if (told !== undefined) return told;
  return row.state === 'open' && row.column === column.name && !mend?.cells.has(column.id) && mend?.raw == null ? row.message : null;
}
