// The columns of a preview: as they will land, and what may be chosen of each.
import type { Column, ColumnType, Dataset, Mapped, Mode, Options, Plan, Preview } from '@/lib/api/types';
import { findColumn } from '@/lib/cells';

export interface LandingColumn {
  column: Column;
  /** The file's column that goes there, by the name that options know it by; null where the file has none. */
  source: string | null;
  isNew: boolean;
  /** The type is the file's to find or the user's to say; else the dataset's. */
  isFree: boolean;
  /** Position of its cells; null until rows of this reading are there. */
  at: number | null;
}

/** Of the preview where it is there, else of the plan. */
export function landingColumns(plan: Plan, preview: Preview | undefined, options: Options): LandingColumn[] {
  const free = (id: string, source: string | null): boolean => source !== null && (!(plan.columns.find((planned) => planned.id === id)?.fixed ?? false) || options.types?.[source] !== undefined);
  if (preview) {
    return preview.columns.map(({ source: file, new: isNew, ...column }, at) => {
      const source = file ?? null;
      return { column, source, isNew, isFree: free(column.id, source), at };
    });
  }
  return plan.columns.map((column) => {
    const mapped = plan.mapping?.find((other) => other.column === column.id);
    const source = mapped?.file ?? null;
    return { column, source, isNew: mapped?.by === 'new', isFree: free(column.id, source), at: null };
  });
}

export const keepsColumns = (mode: Mode): boolean => mode === 'append' || mode === 'upsert' || mode === 'sync';

/** Where a column of the file goes, as it is chosen or else proposed. */
export type Goal = { to: 'column'; id: string } | { to: 'new'; name: string } | { to: 'nowhere' };

export function goalOf(mapped: Mapped, options: Options, dataset: Pick<Dataset, 'columns'>): Goal {
  const chosen = options.mapping?.[mapped.file];
  if (chosen === null) return { to: 'nowhere' };
  if (chosen !== undefined) {
    const column = findColumn(dataset.columns, chosen);
    return column ? { to: 'column', id: column.id } : { to: 'new', name: chosen };
  }
  if (mapped.by === 'left_out' || mapped.column == null) return { to: 'nowhere' };
  return dataset.columns.some(({ id }) => id === mapped.column) ? { to: 'column', id: mapped.column } : { to: 'new', name: mapped.name };
}

/** A name for a new column that no column of the dataset has. */
export function freeName(name: string, taken: readonly Pick<Column, 'id' | 'name'>[]): string {
  for (let copy = 1; ; copy += 1) {
    const tried = copy === 1 ? name : `${name}_${copy}`;
    if (!findColumn(taken, tried)) return tried;
  }
}

/** The file's columns: the plan's, or those that something was said of where there is no plan. */
export function fileColumns(plan: Plan | null | undefined, options: Options): Mapped[] {
  if (plan) return plan.mapping ?? [];
  return Object.entries(options.mapping ?? {}).map(([file, to]) => ({ file, column: to ?? null, name: to ?? file, by: to === null ? 'left_out' : 'chosen' }));
}

/** The type that a column is read by, when somebody said it. */
export const saidType = (options: Options, source: string | null): ColumnType | null => (source === null ? null : (options.types?.[source] ?? null));
