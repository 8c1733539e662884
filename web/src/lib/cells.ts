// One reading of a cell's value by its column's kind: for the grid, the popover, the row form, copying and sums.
import type { Column, ColumnType } from './api/types';

/** `undefined` is a cell that has not been loaded. */
export type CellValue = string | number | boolean | null | CutCell | undefined;

export interface CutCell {
  cut: string;
  chars: number;
}

export function isCut(value: unknown): value is CutCell {
  return typeof value === 'object' && value !== null && 'cut' in value && 'chars' in value;
}

const NUMERIC: ReadonlySet<ColumnType> = new Set(['int64', 'decimal', 'float']);

export const isNumeric = (kind: ColumnType): boolean => NUMERIC.has(kind);

/** The canonical text of a value; what is copied. Null and an empty text are told apart by the caller. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (isCut(value)) return value.cut;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return JSON.stringify(value);
}

/** What the grid shows: timestamps with a space, everything else as it is. Never more than the cell can need. */
export function cellDisplay(value: unknown, kind: ColumnType): string {
  const text = cellText(value);
  if (kind === 'timestamp' || kind === 'timestamptz') return text.replace('T', ' ');
  const short = text.length > 300 ? text.slice(0, 300) : text;
  return kind === 'text' || kind === 'json' ? short.replaceAll(/\r\n|\r|\n/g, ' ⏎ ') : short;
}

/** Whether this value may be compared for equality in a filter, and as what. */
export function filterValue(value: unknown): string | number | boolean | null {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

const TYPE_MARKS: Record<ColumnType, string> = {
  text: 'abc',
  int64: '123',
  decimal: '1.0',
  float: '1.e',
  boolean: 'y/n',
  date: 'day',
  time: 'hms',
  timestamp: 'd+t',
  timestamptz: 'd+z',
  json: '{ }',
};

const TYPE_NAMES: Record<ColumnType, string> = {
  text: 'text',
  int64: 'whole number',
  decimal: 'decimal number',
  float: 'floating-point number',
  boolean: 'yes or no',
  date: 'date',
  time: 'time',
  timestamp: 'date and time',
  timestamptz: 'date and time with zone',
  json: 'JSON',
};

/** Every kind a column may have, the common ones first. */
export const COLUMN_TYPES: readonly ColumnType[] = ['text', 'int64', 'decimal', 'float', 'boolean', 'date', 'time', 'timestamp', 'timestamptz', 'json'];

export const typeMark = (kind: ColumnType): string => TYPE_MARKS[kind];
export const typeName = (kind: ColumnType): string => TYPE_NAMES[kind];

/** By its id, or by its name where somebody wrote that; an id wins. */
export const findColumn = <C extends Pick<Column, 'id' | 'name'>>(columns: readonly C[], name: string): C | undefined => columns.find(({ id }) => id === name) ?? columns.find((column) => column.name === name);

/** A first width from the header and the kind; people resize from there. */
export function defaultWidth(column: Column): number {
  const byKind: Partial<Record<ColumnType, number>> = { text: 168, json: 200, timestamp: 168, timestamptz: 200, boolean: 88 };
  return Math.min(260, Math.max(byKind[column.type] ?? 104, 60 + column.name.length * 7.5));
}
