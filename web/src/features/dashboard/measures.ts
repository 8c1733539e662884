// What may be asked of which column, and how it is called: measures, groups, titles, first suggestions.
import { type Filter, NO_FILTER } from '@/features/filter/filter';
import { whereWords } from '@/features/filter/words';
import { findColumn, isNumeric } from '@/lib/cells';
import type { Column, ColumnType } from '@/lib/api/types';

import type { Kind, WidgetDefinition } from './types';

export const FUNCTIONS = ['count', 'sum', 'avg', 'min', 'max'] as const;
export type Fn = (typeof FUNCTIONS)[number];

/** Without a column it counts rows. */
export interface Measure {
  fn: Fn;
  column: string | null;
}

export const BUCKETS = ['day', 'week', 'month', 'quarter', 'year'] as const;
export type Bucket = (typeof BUCKETS)[number];

export interface Group {
  column: string;
  bucket: Bucket | null;
}

const isFn = (text: string): text is Fn => FUNCTIONS.some((fn) => fn === text);
const isBucket = (text: string): text is Bucket => BUCKETS.some((bucket) => bucket === text);

/** Null for what this page does not know. */
export function readMeasure(text: string): Measure | null {
  const [fn = '', column = null] = text.split(':');
  return isFn(fn) && (column !== null || fn === 'count') ? { fn, column } : null;
}

export const writeMeasure = ({ fn, column }: Measure): string => (column === null ? fn : `${fn}:${column}`);

export function readGroup(text: string): Group {
  const [column = '', bucket = ''] = text.split(':');
  return { column, bucket: isBucket(bucket) ? bucket : null };
}

export const writeGroup = ({ column, bucket }: Group): string => (bucket === null ? column : `${column}:${bucket}`);

const DATED: ReadonlySet<ColumnType> = new Set(['date', 'timestamp', 'timestamptz']);
export const hasBuckets = (type: ColumnType): boolean => DATED.has(type);

/** Whether a column of this type can be measured so. A chart needs a length, so its smallest and largest are of numbers. */
export function fits(fn: Fn, type: ColumnType, kind: Kind): boolean {
  if (fn === 'count') return true;
  if (fn === 'sum' || fn === 'avg') return isNumeric(type);
  return isNumeric(type) || (kind === 'number' && (DATED.has(type) || type === 'time'));
}

/** Whether groups of this column can be drawn: JSON makes no groups, and a line needs an order along its axis. */
export function groups(type: ColumnType, kind: Kind): boolean {
  if (type === 'json') return false;
  return kind !== 'line' || DATED.has(type) || isNumeric(type) || type === 'time';
}

const FN_NAMES: Record<Fn, string> = { count: 'Count of', sum: 'Sum of', avg: 'Average of', min: 'Smallest', max: 'Largest' };

type Named = Pick<Column, 'id' | 'name'>;
const nameIn = (columns: readonly Named[], id: string): string => findColumn(columns, id)?.name ?? id;

function measureTitle({ fn, column }: Measure, columns: readonly Named[]): string {
  return column === null ? 'Count of rows' : `${FN_NAMES[fn]} ${nameIn(columns, column)}`;
}

function groupTitle({ column, bucket }: Group, columns: readonly Named[]): string {
  return bucket === null ? nameIn(columns, column) : `${bucket} of ${nameIn(columns, column)}`;
}

/** "Sum of distance by carrier". */
export function suggestTitle(measures: readonly Measure[], group: Group | null, filter: Filter, columns: readonly Column[]): string {
  const [first = 'Count of rows', ...rest] = measures.map((measure) => measureTitle(measure, columns));
  const names = [first, ...rest.map((name) => name.charAt(0).toLowerCase() + name.slice(1))];
  const what = names.length < 2 ? first : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
  const by = group === null ? '' : ` by ${groupTitle(group, columns)}`;
  return `${what}${by}${whereWords(filter, columns)}`.slice(0, 200);
}

/** Whole numbers named like keys say nothing when they are added up. */
const isKey = (column: Column): boolean => /(^|[_\s])(id|key|no|number|code|zip|year|month|day|hour|minute)$/i.test(column.name);

/** One that is not measured yet: an average, a sum, a smallest, a largest or a count of the first column that has it. */
export function nextMeasure(measures: readonly Measure[], columns: readonly Column[], kind: Kind): Measure | null {
  const taken = new Set(measures.map(writeMeasure));
  const numbers = columns.filter((column) => isNumeric(column.type));
  const likely = [...numbers.filter((column) => !isKey(column)), ...numbers, ...columns];
  const all = likely.flatMap(({ id, type }) => (['avg', 'sum', 'min', 'max', 'count'] as const).filter((fn) => fits(fn, type, kind)).map((fn): Measure => ({ fn, column: id })));
  return [{ fn: 'count' as const, column: null }, ...all].find((measure) => !taken.has(writeMeasure(measure))) ?? null;
}

export type Idea = Omit<WidgetDefinition, 'position'>;

/** As many bars as a card shows without scrolling; a line takes all there are. */
export const defaultLimit = (kind: Kind): number => (kind === 'line' ? 1000 : 10);
export const defaultSort = (kind: Kind): WidgetDefinition['sort'] => (kind === 'bar' ? 'measure' : 'group');

function idea(kind: Kind, measure: Measure, group: Group | null, columns: readonly Column[]): Idea {
  return {
    title: suggestTitle([measure], group, NO_FILTER, columns),
    kind,
    group: group === null ? null : writeGroup(group),
    measures: [writeMeasure(measure)],
    filter: null,
    sort: defaultSort(kind),
    limit: defaultLimit(kind),
  };
}

/** A first number, a first bar chart and a first line, as far as there are columns for them. */
export function suggestions(columns: readonly Column[]): Idea[] {
  const ideas = [idea('number', { fn: 'count', column: null }, null, columns)];
  const text = columns.find((column) => column.type === 'text');
  if (text) ideas.push(idea('bar', { fn: 'count', column: null }, { column: text.id, bucket: null }, columns));
  const date = columns.find((column) => hasBuckets(column.type));
  const numbers = columns.filter((column) => isNumeric(column.type));
  const number = numbers.find((column) => !isKey(column)) ?? numbers[0];
  if (date) ideas.push(idea('line', number ? { fn: 'sum', column: number.id } : { fn: 'count', column: null }, { column: date.id, bucket: 'month' }, columns));
  else if (number) ideas.push(idea('number', { fn: 'avg', column: number.id }, null, columns));
  return ideas;
}
