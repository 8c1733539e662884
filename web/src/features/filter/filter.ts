// A filter as the API takes it, and as the page shows it: conditions, and groups of conditions one level deep. What goes deeper, or was
// written in a way that the page does not know, is an item that is kept as it is. `draft.ts` is the filter while it is put together.
export type Join = 'and' | 'or';
type ApiOp = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'in' | 'is_null' | 'contains' | 'starts_with';
/** `is_null` has two sides here. */
export type Op = ApiOp | 'not_null';
export type Value = string | number | boolean;

/** As it is sent. */
export type FilterJson = Readonly<Record<string, unknown>>;

export interface Condition {
  /** An id, or a name in a filter that somebody wrote. */
  column: string;
  op: Op;
  /** One value; several for `in`; none for null. */
  values: readonly Value[];
}

interface Other {
  other: FilterJson;
}

export interface Group {
  join: Join;
  items: readonly Condition[];
}

export type Item = Condition | Group | Other;

export interface Filter {
  join: Join;
  items: readonly Item[];
}

export const NO_FILTER: Filter = { join: 'and', items: [] };
export const isGroup = (item: Item): item is Group => 'join' in item;
export const isOther = (item: Item): item is Other => 'other' in item;
export const isCondition = (item: Item): item is Condition => 'op' in item;

const OPS: readonly ApiOp[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'in', 'is_null', 'contains', 'starts_with'];
const isObject = (value: unknown): value is FilterJson => typeof value === 'object' && value !== null && !Array.isArray(value);
const isValue = (value: unknown): value is Value => ['string', 'number', 'boolean'].includes(typeof value);

function readCondition({ column, op: name, value }: FilterJson): Condition | null {
  const op = OPS.find((other) => other === name);
  if (typeof column !== 'string' || op === undefined) return null;
  if (op === 'is_null') return value === undefined || value === null || typeof value === 'boolean' ? { column, op: value === false ? 'not_null' : 'is_null', values: [] } : null;
  const values: unknown[] = op !== 'in' ? [value] : Array.isArray(value) ? value : [];
  return values.length > 0 && values.every(isValue) ? { column, op, values } : null;
}

function readList({ and, or }: FilterJson): { join: Join; nodes: readonly FilterJson[] } | null {
  const nodes: unknown = and ?? or;
  return Array.isArray(nodes) && nodes.every(isObject) ? { join: and === undefined ? 'or' : 'and', nodes } : null;
}

function readItem(json: FilterJson): Item {
  const condition = readCondition(json);
  if (condition) return condition;
  const list = readList(json);
  const items = list?.nodes.map(readCondition) ?? [];
  return list && items.length > 0 && items.every((item) => item !== null) ? { join: list.join, items } : { other: json };
}

export function readFilter(json: FilterJson | null): Filter {
  const list = json && readList(json);
  if (list && list.nodes.length > 0) return { join: list.join, items: list.nodes.map(readItem) };
  // All of nothing lets every row pass, any of nothing none.
  return json === null || list?.join === 'and' ? NO_FILTER : { join: 'and', items: [readItem(json)] };
}

/** The filter in the address; null when it is none. */
export function parseFilter(text: string | undefined): Filter | null {
  if (text === undefined) return NO_FILTER;
  try {
    const json: unknown = JSON.parse(text);
    return isObject(json) ? readFilter(json) : null;
  } catch {
    return null;
  }
}

const writeCondition = ({ column, op, values }: Condition): FilterJson =>
  op === 'is_null' || op === 'not_null' ? { column, op: 'is_null', value: op === 'is_null' } : { column, op, value: op === 'in' ? values : values[0] };

function writeItem(item: Item): FilterJson[] {
  if (isOther(item)) return [item.other];
  if (isGroup(item)) return item.items.length > 0 ? [{ [item.join]: item.items.map(writeCondition) }] : [];
  return [writeCondition(item)];
}

/** Null when every row passes. */
export function writeFilter({ join, items }: Filter): FilterJson | null {
  const nodes = items.flatMap(writeItem);
  return nodes.length === 0 ? null : { [join]: nodes };
}

/** For the address. */
export function filterText(filter: Filter): string | undefined {
  const json = writeFilter(filter);
  return json === null ? undefined : JSON.stringify(json);
}

export const conditionsOf = ({ items }: Filter): Condition[] => items.flatMap((item) => (isGroup(item) ? item.items : isCondition(item) ? [item] : []));

/** "Any of" as one item that others can stand beside; with groups in it, it is deeper than the page shows. */
function asItem(filter: Filter): Item {
  const conditions = filter.items.filter(isCondition);
  return conditions.length === filter.items.length ? { join: filter.join, items: conditions } : { other: writeFilter(filter) ?? {} };
}

/** The filter with one more: only rows where the column holds this value. */
export function withEqual(filter: Filter, column: string, value: Value): Filter {
  const equal: Condition = { column, op: 'eq', values: [value] };
  const items = filter.join === 'or' && filter.items.length > 1 ? [asItem(filter)] : filter.items;
  return { join: 'and', items: [...items.filter((item) => !isCondition(item) || item.column !== column || item.op !== 'eq'), equal] };
}
