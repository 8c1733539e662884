// The columns of a dataset that is about to be made, while they are written down.
import type { ColumnType, NewColumn } from '@/lib/api/types';

export interface ColumnDraft {
  key: number;
  name: string;
  type: ColumnType;
}

/** As the API takes them. */
export const COLUMNS_MAX = 400;
export const NAME_MAX = 255;

export const added = (drafts: readonly ColumnDraft[]): ColumnDraft[] => [...drafts, { key: Math.max(-1, ...drafts.map(({ key }) => key)) + 1, name: '', type: 'text' }];

/** One place up or down; at the ends nothing moves. */
export function moved(drafts: readonly ColumnDraft[], at: number, by: -1 | 1): ColumnDraft[] {
  const [one, other] = [drafts[at], drafts[at + by]];
  if (!one || !other) return [...drafts];
  return drafts.map((draft, i) => (i === at ? other : i === at + by ? one : draft));
}

/** What is wrong with a column's name; null when nothing is. */
export function nameError(drafts: readonly ColumnDraft[], at: number): string | null {
  const name = drafts[at]?.name.trim() ?? '';
  if (name === '') return 'A column needs a name.';
  return drafts.some((other, i) => i < at && other.name.trim() === name) ? 'A column above has this name.' : null;
}

export const toColumns = (drafts: readonly ColumnDraft[]): NewColumn[] => drafts.map(({ name, type }) => ({ name: name.trim(), type }));
