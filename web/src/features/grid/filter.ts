// The filter in the address, as the API takes it, and as the builder shows it: conditions, and groups of conditions one level deep.
// A filter that was written elsewhere and goes deeper is used as it is; the builder then only clears it.
import type { Column, ColumnType } from '@/lib/api/types';
import { isNumeric } from '@/lib/cells';

export type Join = 'and' | 'or';
export type ApiOp = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'in' | 'is_null' | 'contains' | 'starts_with';
/** `is_null` has two sides here. */
export type Op = ApiOp | 'not_null';
export type Value = string | number | boolean;

export interface Condition {
  /** An id, or a name in an address that somebody wrote. */
  column: string;
  op: Op;
  /** One value; several for `in`; none for null. */
  values: readonly Value[];
}

export interface Group {
  join: Join;
  items: readonly Condition[];
}

export interface Filter {
  join: Join;
  items: readonly (Condition | Group)[];
}

export const NO_FILTER: Filter = { join: 'and', items: [] };
export const isGroup = (item: Condition | Group): item is Group => 'join' in item;

const OPS: readonly ApiOp[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'in', 'is_null', 'contains', 'starts_with'];
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isValue = (value: unknown): value is Value => ['string', 'number', 'boolean'].includes(typeof value);

function readCondition(node: unknown): Condition | null {
  if (!isObject(node) || typeof node.column !== 'string') return null;
  const { column, value } = node;
  const op = OPS.find((other) => other === node.op);
  if (op === undefined) return null;
  if (op === 'is_null') return { column, op: value === false ? 'not_null' : 'is_null', values: [] };
  const values: unknown[] = op === 'in' ? (Array.isArray(value) ? value : []) : [value];
  return values.every(isValue) ? { column, op, values } : null;
}

function readList(node: unknown): { join: Join; nodes: unknown[] } | null {
  if (!isObject(node)) return null;
  if (Array.isArray(node.and)) return { join: 'and', nodes: node.and };
  return Array.isArray(node.or) ? { join: 'or', nodes: node.or } : null;
}

function readGroup(node: unknown): Group | null {
  const list = readList(node);
  const items = list?.nodes.map(readCondition) ?? [];
  return list && items.every((item) => item !== null) ? { join: list.join, items } : null;
}

/** Null when the builder cannot show it. */
export function readFilter(text: string | undefined): Filter | null {
  if (text === undefined) return NO_FILTER;
  try {
    const node: unknown = JSON.parse(text);
    const list = readList(node);
    if (!list) {
      const one = readCondition(node);
      return one && { join: 'and', items: [one] };
    }
    const items = list.nodes.map((item) => readCondition(item) ?? readGroup(item));
    return items.every((item) => item !== null) ? { join: list.join, items } : null;
  } catch {
    return null;
  }
}

const writeCondition = ({ column, op, values }: Condition): Record<string, unknown> =>
  op === 'is_null' || op === 'not_null' ? { column, op: 'is_null', value: op === 'is_null' } : { column, op, value: op === 'in' ? values : values[0] };

export function writeFilter({ join, items }: Filter): string | undefined {
  const nodes = items.flatMap((item) => (!isGroup(item) ? [writeCondition(item)] : item.items.length > 0 ? [{ [item.join]: item.items.map(writeCondition) }] : []));
  return nodes.length === 0 ? undefined : JSON.stringify({ [join]: nodes });
}

/** The filter with one more: only rows where the column holds this value. */
export function withEqual(filter: Filter, column: string, value: Value): Filter {
  const equal: Condition = { column, op: 'eq', values: [value] };
  const groups = filter.join === 'or' && filter.items.length > 1 ? (filter.items.some(isGroup) ? null : [{ join: 'or' as const, items: filter.items.filter((item): item is Condition => !isGroup(item)) }]) : filter.items;
  // "Any of" with groups inside has no place for one more; the value alone is what was asked for.
  if (groups === null) return { join: 'and', items: [equal] };
  return { join: 'and', items: [...groups.filter((item) => isGroup(item) || item.column !== column || item.op !== 'eq'), equal] };
}

const WORDS: Record<Op, string> = {
  eq: 'is', ne: 'is not', lt: 'is less than', le: 'is at most', gt: 'is more than', ge: 'is at least', in: 'is one of', is_null: 'is null', not_null: 'is not null', contains: 'contains', starts_with: 'starts with',
};
const SIGNS: Partial<Record<Op, string>> = { eq: '=', ne: '≠', lt: '<', le: '≤', gt: '>', ge: '≥' };
const TIME_WORDS: Partial<Record<Op, string>> = { lt: 'is before', le: 'is up to', gt: 'is after', ge: 'is from' };

export function opWord(op: Op, kind: ColumnType): string {
  return (isNumeric(kind) || kind === 'text' || kind === 'json' || kind === 'boolean' ? undefined : TIME_WORDS[op]) ?? WORDS[op];
}

export function opsOf(kind: ColumnType): readonly Op[] {
  if (kind === 'boolean') return ['eq', 'ne', 'is_null', 'not_null'];
  if (kind === 'json') return ['contains', 'starts_with', 'eq', 'ne', 'is_null', 'not_null'];
  const order: Op[] = ['lt', 'le', 'gt', 'ge'];
  return kind === 'text' ? ['eq', 'ne', 'contains', 'starts_with', 'in', ...order, 'is_null', 'not_null'] : ['eq', 'ne', ...order, 'in', 'is_null', 'not_null'];
}

export const takesValue = (op: Op): boolean => op !== 'is_null' && op !== 'not_null';

/** What a field for `in` holds: values between commas, or each on its line. */
export const splitList = (text: string): string[] => text.split(/[,\n]/).map((part) => part.trim()).filter((part) => part !== '');

export const findColumn = (columns: readonly Column[], name: string): Column | undefined => columns.find(({ id }) => id === name) ?? columns.find((column) => column.name === name);

/** "year ≥ 2000", "(carrier = UA or carrier = AA)" */
export function describe(item: Condition | Group, columns: readonly Column[]): string {
  if (isGroup(item)) return `(${item.items.map((one) => describe(one, columns)).join(` ${item.join} `)})`;
  const { column, op, values } = item;
  const name = findColumn(columns, column)?.name ?? column;
  if (!takesValue(op)) return `${name} ${WORDS[op]}`;
  return `${name} ${SIGNS[op] ?? WORDS[op]} ${values.map((value) => (value === '' ? 'empty text' : String(value))).join(', ')}`;
}
