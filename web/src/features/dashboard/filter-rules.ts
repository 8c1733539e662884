// A filter as rows of column, comparison and value, all of which must hold. Other filters are kept as they are.
import { isNumeric } from '@/lib/cells';
import type { Column, ColumnType } from '@/lib/api/types';

import type { Comparison, Filter, Op } from './types';

/** `is_null` with false has a name of its own here. */
export type RuleOp = Op | 'not_null';

export interface Rule {
  column: string;
  op: RuleOp;
  /** As typed; a list is separated by commas. */
  value: string;
}

const ORDERED: readonly RuleOp[] = ['lt', 'le', 'gt', 'ge'];
const NULLS: readonly RuleOp[] = ['is_null', 'not_null'];

export function opsFor(type: ColumnType): readonly RuleOp[] {
  if (type === 'text') return ['eq', 'ne', 'in', 'contains', 'starts_with', ...NULLS];
  if (type === 'json') return ['contains', ...NULLS];
  if (type === 'boolean') return ['eq', 'ne', ...NULLS];
  return ['eq', 'ne', ...ORDERED, 'in', ...NULLS];
}

const WORDS: Record<RuleOp, string> = {
  eq: 'is',
  ne: 'is not',
  lt: 'is under',
  le: 'is at most',
  gt: 'is over',
  ge: 'is at least',
  in: 'is one of',
  is_null: 'is null',
  not_null: 'is not null',
  contains: 'contains',
  starts_with: 'starts with',
};

const IN_TIME: Partial<Record<RuleOp, string>> = { lt: 'is before', le: 'is at the latest', gt: 'is after', ge: 'is at the earliest' };

export const opWord = (op: RuleOp, type?: ColumnType): string =>
  (type !== undefined && !isNumeric(type) ? IN_TIME[op] : undefined) ?? WORDS[op];

export const takesValue = (op: RuleOp): boolean => !NULLS.includes(op);

/** A rule that still waits for its value filters nothing. */
export const isComplete = (rule: Rule): boolean => !takesValue(rule.op) || rule.value.trim() !== '';

export function ruleText(rule: Rule, columns: readonly Column[]): string {
  const column = columns.find((other) => other.id === rule.column);
  const words = `${column?.name ?? rule.column} ${opWord(rule.op, column?.type)}`;
  return takesValue(rule.op) ? `${words} ${rule.value}` : words;
}

function readComparison({ column, op, value }: Comparison): Rule | null {
  if (op === 'is_null') return { column, op: value === false ? 'not_null' : 'is_null', value: '' };
  if (op === 'in') {
    // A comma inside of a value would come apart when it is written again.
    if (!Array.isArray(value) || value.length === 0 || value.some((one) => /^\s*$|,|^\s|\s$/.test(String(one)))) return null;
    return { column, op, value: value.map(String).join(', ') };
  }
  const text = typeof value === 'object' || value === undefined ? '' : String(value);
  return text.trim() === '' ? null : { column, op, value: text };
}

/** Null for a filter that does not fit in rows: alternatives, groups in groups, an empty text. Names of columns become ids. */
export function readFilter(filter: Filter | null, columns: readonly Column[]): Rule[] | null {
  if (filter === null) return [];
  if ('or' in filter) return null;
  const rules: Rule[] = [];
  for (const one of 'and' in filter ? filter.and : [filter]) {
    const rule = 'column' in one ? readComparison(one) : null;
    if (rule === null) return null;
    const column = columns.find((other) => other.id === rule.column) ?? columns.find((other) => other.name === rule.column);
    rules.push({ ...rule, column: column?.id ?? rule.column });
  }
  return rules;
}

function writeRule({ column, op, value }: Rule): Comparison {
  if (op === 'is_null' || op === 'not_null') return { column, op: 'is_null', value: op === 'is_null' };
  if (op === 'in') return { column, op, value: value.split(',').map((one) => one.trim()).filter((one) => one !== '') };
  return { column, op, value };
}

export function writeFilter(rules: readonly Rule[]): Filter | null {
  const complete = rules.filter(isComplete);
  return complete.length === 0 ? null : { and: complete.map(writeRule) };
}

const isFilter = (value: unknown): value is Filter => typeof value === 'object' && value !== null && ('and' in value || 'or' in value || 'column' in value);

/** The filter in the address, which is the grid's. */
export function parseFilter(text: string | undefined): Filter | null {
  if (text === undefined) return null;
  try {
    const parsed: unknown = JSON.parse(text);
    return isFilter(parsed) ? parsed : null;
  } catch {
    return null;
  }
}
