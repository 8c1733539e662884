// From a result's rows to what is drawn: one point per group, along an axis of the group's own kind.
import { isNumeric, typeName } from '@/lib/cells';
import type { ColumnType } from '@/lib/api/types';

import { bucketName, fillBuckets } from './buckets';
import { type Bucket, readGroup, readMeasure } from './measures';
import { exactValue, numberOf } from './numbers';
import type { Kind, Result, Value, WidgetDefinition } from './types';

export interface Point {
  key: string;
  group: Value;
  /** What the group is called. */
  label: string;
  /** Whether `label` stands for no value or an empty text. */
  absent: boolean;
  /** As they came, one per measure. */
  values: readonly Value[];
  /** As lengths. */
  numbers: readonly (number | null)[];
}

export interface MeasureColumn {
  name: string;
  type: ColumnType;
  /** Whether the axis begins at zero: counts and sums are amounts, an average is a place. */
  fromZero: boolean;
}

export interface Series {
  points: readonly Point[];
  measures: readonly MeasureColumn[];
  /** What the points are of: "carrier", "month of date". */
  by: string;
  /** The column they are made from: "date". */
  from: string;
  groupType: ColumnType;
  /** Set where the axis is a calendar: buckets, and dates as days. */
  bucket: Bucket | null;
  /** Groups without a value, which have no place on an ordered axis. */
  outside: Point | null;
}

type Drawn = Pick<WidgetDefinition, 'kind' | 'group' | 'measures' | 'sort'>;

function nameOf(group: Value, type: ColumnType, bucket: Bucket | null): string {
  if (group === null) return 'no value';
  if (group === '') return 'empty text';
  if (type === 'boolean') return group === true ? 'yes' : 'no';
  return bucket === null ? exactValue(group, type) : bucketName(String(group), bucket);
}

function pointOf(row: readonly Value[], type: ColumnType, bucket: Bucket | null): Point {
  const [group = null, ...values] = row;
  return {
    key: group === null ? 'null' : `=${String(group)}`,
    group,
    label: nameOf(group, type, bucket),
    absent: group === null || group === '',
    values,
    numbers: values.map(numberOf),
  };
}

/** Whether a chart of this is columns or a line along an axis, and not bars with names. */
export const isAlongAxis = (kind: Kind, bucket: Bucket | null): boolean => kind === 'line' || bucket !== null;

function inOrder(points: readonly Point[], type: ColumnType): Point[] {
  const sorted = [...points];
  if (isNumeric(type)) return sorted.sort((a, b) => Number(a.group) - Number(b.group));
  return sorted.sort((a, b) => (String(a.group) < String(b.group) ? -1 : 1));
}

function withGaps(points: readonly Point[], bucket: Bucket, drawn: Drawn): Point[] {
  const known = new Map(points.map((point) => [String(point.group), point]));
  const values = drawn.measures.map((measure): Value => (readMeasure(measure)?.fn === 'count' ? '0' : null));
  return fillBuckets([...known.keys()], bucket).map((group) => known.get(group) ?? pointOf([group, ...values], 'date', bucket));
}

export function seriesOf(drawn: Drawn, { columns, rows, more }: Result): Series {
  const [first, ...rest] = columns;
  const groupType = first?.type ?? 'text';
  const bucket = (drawn.group === null ? null : readGroup(drawn.group).bucket) ?? (groupType === 'date' ? 'day' : null);
  const measures = rest.map(({ name, type }, i): MeasureColumn => {
    const fn = readMeasure(drawn.measures[i] ?? '')?.fn;
    // The API calls a count of rows "count"; here it stands beside others.
    return { name: drawn.measures[i] === 'count' ? 'rows' : name, type, fromZero: drawn.kind === 'bar' || fn === 'count' || fn === 'sum' };
  });
  const all = rows.map((row) => pointOf(row, groupType, bucket));
  const by = first?.name ?? typeName(groupType);
  const series = { measures, by, from: bucket !== null && by.startsWith(`${bucket} of `) ? by.slice(bucket.length + 4) : by, groupType, bucket };
  if (!isAlongAxis(drawn.kind, bucket)) return { ...series, points: all, outside: null };
  const placed = inOrder(all.filter((point) => point.group !== null), groupType);
  // Where the largest alone were asked for, a gap is not empty: it was left out.
  const whole = bucket !== null && !(more && drawn.sort === 'measure');
  return { ...series, points: whole ? withGaps(placed, bucket, drawn) : placed, outside: all.find((point) => point.group === null) ?? null };
}

/** Lines per measure for a tooltip or a reader: "sum of distance 1,234". */
export const valuesOf = (point: Point, measures: readonly MeasureColumn[]): { name: string; value: string }[] =>
  measures.map(({ name, type }, i) => ({ name, value: exactValue(point.values[i], type) }));
