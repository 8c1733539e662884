// The widget routes in the words of this feature: narrower than the generated schema, which knows of a filter and of values only that they are JSON.
import type { FilterJson } from '@/features/filter/filter';
import type { ColumnType } from '@/lib/api/types';

export type Kind = 'number' | 'bar' | 'line';
export type Sort = 'group' | 'measure';

/** In cells of a 12-column grid. */
export interface Position {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface WidgetDefinition {
  title: string;
  kind: Kind;
  /** `col_3`, or `col_3:month` for a date or moment; null for a number. */
  group: string | null;
  /** `count`, `count:col_3`, `sum:col_5`, … */
  measures: readonly string[];
  filter: FilterJson | null;
  sort: Sort;
  limit: number;
  position: Position;
}

export interface ResultColumn {
  name: string;
  type: ColumnType;
}

export type Value = string | number | boolean | null;

/** The group first, if there is one, then the measures. */
export interface Result {
  columns: readonly ResultColumn[];
  rows: readonly (readonly Value[])[];
  /** Whether groups beyond the limit were left out. */
  more: boolean;
}

export interface Aggregate extends Result {
  version: number;
  published_at: string;
}

export interface Widget extends WidgetDefinition, Result {
  id: string;
  /** The version its numbers are of; null when it was never computed. */
  version: number | null;
  published_at: string | null;
  refreshed_at: string | null;
  /** Of a number: its row at the version that was shown before. */
  previous: readonly Value[] | null;
  problem: { code: string; title: string; detail: string } | null;
}
