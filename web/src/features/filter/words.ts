// What a column's type can be asked, and how a condition reads: in short on the grid's buttons, in words in a widget's title.
import type { Column, ColumnType } from '@/lib/api/types';
import { findColumn, isNumeric } from '@/lib/cells';

import { type Condition, type Filter, type FilterJson, isGroup, isOther, type Item, type Op, readFilter } from './filter';

const WORDS: Record<Op, string> = {
  eq: 'is', ne: 'is not', lt: 'is less than', le: 'is at most', gt: 'is more than', ge: 'is at least', in: 'is one of', is_null: 'is null', not_null: 'is not null', contains: 'contains', starts_with: 'starts with',
};
const SIGNS: Partial<Record<Op, string>> = { eq: '=', ne: '≠', lt: '<', le: '≤', gt: '>', ge: '≥' };
const TIME_WORDS: Partial<Record<Op, string>> = { lt: 'is before', le: 'is up to', gt: 'is after', ge: 'is from' };

const ordersInTime = (kind: ColumnType): boolean => !isNumeric(kind) && kind !== 'text' && kind !== 'json' && kind !== 'boolean';

export const opWord = (op: Op, kind: ColumnType): string => (ordersInTime(kind) ? TIME_WORDS[op] : undefined) ?? WORDS[op];

export function opsOf(kind: ColumnType): readonly Op[] {
  if (kind === 'boolean') return ['eq', 'ne', 'is_null', 'not_null'];
  if (kind === 'json') return ['contains', 'starts_with', 'eq', 'ne', 'is_null', 'not_null'];
  const order: Op[] = ['lt', 'le', 'gt', 'ge'];
  return kind === 'text' ? ['eq', 'ne', 'contains', 'starts_with', 'in', ...order, 'is_null', 'not_null'] : ['eq', 'ne', ...order, 'in', 'is_null', 'not_null'];
}

export const takesValue = (op: Op): boolean => op !== 'is_null' && op !== 'not_null';

type Style = 'signs' | 'words';

function describeCondition({ column: name, op, values }: Condition, columns: readonly Column[], style: Style): string {
  const column = findColumn(columns, name);
  const word = (style === 'signs' ? SIGNS[op] : undefined) ?? opWord(op, column?.type ?? 'text');
  const of = values.map((value) => (value === '' ? 'empty text' : String(value))).join(', ');
  return `${column?.name ?? name} ${word}${takesValue(op) ? ` ${of}` : ''}`;
}

function describeOther(json: FilterJson, columns: readonly Column[], style: Style): string {
  const { join, items } = readFilter(json);
  // What reads as nothing, or as itself again, is no list.
  return items.length === 0 || items.some((item) => isOther(item) && item.other === json) ? 'a condition made elsewhere' : describeList({ join, items }, columns, style);
}

function describeList({ join, items }: Filter, columns: readonly Column[], style: Style): string {
  const words = items.map((item) => describe(item, columns, style)).join(` ${join} `);
  return items.length > 1 ? `(${words})` : words;
}

/** "year ≥ 2000", "(carrier = UA or carrier = AA)"; in words "year is at least 2000". */
export function describe(item: Item, columns: readonly Column[], style: Style = 'signs'): string {
  if (isOther(item)) return describeOther(item.other, columns, style);
  return isGroup(item) ? describeList(item, columns, style) : describeCondition(item, columns, style);
}

/** For a title: " where carrier is UA"; nothing without a filter, and no more than that there is one where it would grow long. */
export function whereWords({ items: [first, ...more] }: Filter, columns: readonly Column[]): string {
  if (first === undefined) return '';
  return more.length > 0 || isGroup(first) || isOther(first) ? ', filtered' : ` where ${describe(first, columns, 'words')}`;
}
