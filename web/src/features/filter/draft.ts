// A filter while it is put together: values as they are typed. What no field can hold is a line of its own that is kept as it is.
import type { Column, ColumnType } from '@/lib/api/types';
import { findColumn } from '@/lib/cells';

import { type Condition, type Filter, type Group, isCondition, isGroup, type Item, type Join, type Op } from './filter';
import { opsOf, takesValue } from './words';

export interface Draft {
  column: string;
  op: Op;
  text: string;
}

export interface Kept<I extends Item = Item> {
  kept: I;
}

export interface DraftGroup {
  join: Join;
  items: readonly (Draft | Kept<Condition>)[];
}

export interface DraftFilter {
  join: Join;
  items: readonly (Draft | DraftGroup | Kept)[];
}

export const NO_DRAFT: DraftFilter = { join: 'and', items: [] };
export const isKept = <I extends Item>(item: Draft | DraftGroup | Kept<I>): item is Kept<I> => 'kept' in item;
export const isDraftGroup = (item: Draft | DraftGroup | Kept): item is DraftGroup => 'items' in item;

/** What a field for `in` holds: values between commas, or each on its line. */
const splitList = (text: string): string[] => text.split(/[,\n]/).map((part) => part.trim()).filter((part) => part !== '');

const conditionOf = ({ column, op, text }: Draft): Condition => ({ column, op, values: op === 'in' ? splitList(text) : takesValue(op) ? [text] : [] });

/** A condition that waits for its value filters nothing. */
const isComplete = ({ op, text }: Draft): boolean => !takesValue(op) || (op === 'in' ? splitList(text).length > 0 : text.trim() !== '');

/** An empty text looks like a value that is still to come, and a comma within a value of a list would come apart. */
function lineOf(condition: Condition, columns: readonly Column[]): Draft | Kept<Condition> {
  const { column, op, values } = condition;
  const draft: Draft = { column: findColumn(columns, column)?.id ?? column, op, text: values.map(String).join(', ') };
  const typed = conditionOf(draft).values;
  return isComplete(draft) && typed.length === values.length && typed.every((value, i) => value === String(values[i])) ? draft : { kept: condition };
}

export const draftsOf = ({ join, items }: Filter, columns: readonly Column[]): DraftFilter => ({
  join,
  items: items.map((item) => (isGroup(item) ? { join: item.join, items: item.items.map((one) => lineOf(one, columns)) } : isCondition(item) ? lineOf(item, columns) : { kept: item })),
});

const conditionsOf = (line: Draft | Kept<Condition>): Condition[] => (isKept(line) ? [line.kept] : isComplete(line) ? [conditionOf(line)] : []);

export const filterOf = ({ join, items }: DraftFilter): Filter => ({
  join,
  items: items.flatMap((item): Item[] => {
    if (isKept(item)) return [item.kept];
    if (!isDraftGroup(item)) return conditionsOf(item);
    const group: Group = { join: item.join, items: item.items.flatMap(conditionsOf) };
    return group.items.length > 0 ? [group] : [];
  }),
});

const firstText = (kind: ColumnType): string => (kind === 'boolean' ? 'true' : '');

/** A condition on the column, or on the first one, that waits to be filled in. */
export function newDraft(columns: readonly Column[], id: string | null = null): Draft {
  const column = (id === null ? undefined : findColumn(columns, id)) ?? columns[0];
  const kind = column?.type ?? 'text';
  return { column: column?.id ?? '', op: opsOf(kind)[0] ?? 'eq', text: firstText(kind) };
}

/** On another column, with what still fits kept. */
export function withColumn(draft: Draft, id: string, columns: readonly Column[]): Draft {
  const [before, kind] = [findColumn(columns, draft.column)?.type ?? 'text', findColumn(columns, id)?.type ?? 'text'];
  const ops = opsOf(kind);
  return { column: id, op: ops.includes(draft.op) ? draft.op : (ops[0] ?? 'eq'), text: kind === before ? draft.text : firstText(kind) };
}

/** What the builder opens with: a condition on the column that it was opened from, or a first one, waits to be filled in. */
export function opened(filter: Filter, columns: readonly Column[], startWith: string | null): DraftFilter {
  const drafts = draftsOf(filter, columns);
  const has = drafts.items.some((item) => !isKept(item) && !isDraftGroup(item) && item.column === startWith);
  return drafts.items.length === 0 || (startWith !== null && !has) ? { ...drafts, items: [...drafts.items, newDraft(columns, startWith)] } : drafts;
}
