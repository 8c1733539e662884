// What people type, made ready for the server, which reads it by the column's own spelling or the canonical one. Nothing is refused
// here: a hint says what will probably not be taken, the server decides.
import type { Column, ColumnType } from '@/lib/api/types';

import type { EditValue } from './session';

/** The value that a typed or pasted text stands for. Where a type has no empty text, an empty field is null. */
export function readTyped(column: Column, text: string): EditValue {
  if (column.null_token === text) return null;
  if (column.type === 'text') return text;
  const trimmed = text.trim();
  if (trimmed === '') return null;
  if (column.type === 'boolean' && /^(true|false)$/i.test(trimmed)) return trimmed.toLowerCase();
  // The grid shows a space where the canonical spelling has a T.
  if (column.type === 'timestamp' || column.type === 'timestamptz') return isSpelled(column, trimmed) ? trimmed : trimmed.replace(/^(\d{4}-\d\d-\d\d) (?=\d)/, '$1T');
  return trimmed;
}

/** A column with a spelling of its own takes that too, which only the server can read. */
const isSpelled = (column: Column, text: string): boolean => typeof column.format === 'string' && !column.format.includes('T') && text.includes(' ');

const INT64_MAX = 9_223_372_036_854_775_807n;
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const TIME = /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?$/;

const EXPECTED: Record<ColumnType, string> = {
  text: 'text',
  int64: 'a whole number, such as 1204',
  decimal: 'a decimal number, such as 12.50',
  float: 'a number, such as 0.5 or 1e-3',
  boolean: 'true or false',
  date: 'a date, such as 2024-12-31',
  time: 'a time, such as 23:59:59',
  timestamp: 'a date and time, such as 2024-12-31 23:59:59',
  timestamptz: 'a date and time in UTC, such as 2024-12-31 23:59:59Z',
  json: 'a JSON object or list',
};

export const expected = (column: Column): string => (typeof column.format === 'string' ? `${EXPECTED[column.type]}, or written as ${column.format}` : EXPECTED[column.type]);

/** Why the server will probably not take this value; null when nothing speaks against it. */
export function hint(column: Column, value: EditValue): string | null {
  if (value === null || looksRight(column, value)) return null;
  return `This is not ${expected(column)}.`;
}

function looksRight(column: Column, value: string): boolean {
  // Its own spelling is read by the server alone.
  if (typeof column.format === 'string' && column.type !== 'boolean' && column.type !== 'float') return true;
  switch (column.type) {
    case 'text':
      return true;
    case 'int64':
      return /^-?(0|[1-9]\d*)$/.test(value) && BigInt(value) <= INT64_MAX && BigInt(value) >= -INT64_MAX - 1n;
    case 'decimal':
      return /^-?(0|[1-9]\d*)?(\.\d+)?$/.test(value) && /\d/.test(value);
    case 'float':
      return value !== '' && Number.isFinite(Number(value));
    case 'boolean':
      return ['true', 'false', ...(column.format?.split('|') ?? [])].includes(value);
    case 'date':
      return isDate(value);
    case 'time':
      return TIME.test(value);
    case 'timestamp':
      return isMoment(value);
    case 'timestamptz':
      return value.endsWith('Z') && isMoment(value.slice(0, -1));
    case 'json':
      return isJson(value);
  }
}

function isDate(text: string): boolean {
  const [, year, month, day] = DATE.exec(text)?.map(Number) ?? [];
  if (year === undefined || month === undefined || day === undefined) return false;
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function isMoment(text: string): boolean {
  const [date, time] = text.split('T');
  return isDate(date ?? '') && TIME.test(time ?? '');
}

function isJson(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}
