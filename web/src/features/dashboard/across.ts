// Where the points of a chart lie from left to right: in even bands, or by their number or moment.
import { scaleBand, scaleLinear, scaleUtc } from '@visx/scale';

import { isNumeric } from '@/lib/cells';

import { momentMark } from './buckets';
import { numberOf, shortNumber } from './numbers';
import type { Series } from './series';

export interface Across {
  at: (i: number) => number;
  nearest: (x: number) => number | null;
  /** A bar's width. */
  band: number;
  /** Round numbers or moments to mark; null where the points themselves are marked. */
  marks: readonly { x: number; text: string }[] | null;
}

function nearestOf(xs: readonly number[], x: number): number | null {
  let best: number | null = null;
  xs.forEach((one, i) => {
    if (best === null || Math.abs(one - x) < Math.abs((xs[best] ?? 0) - x)) best = i;
  });
  return best;
}

/** Moments without a zone are drawn as if in UTC: only their distances matter. */
const momentOf = (value: string): number | null => {
  const ms = Date.parse(/[zZ]|[+-]\d\d(:?\d\d)?$/.test(value.slice(10)) ? value : `${value}Z`);
  return Number.isNaN(ms) ? null : ms;
};

function placesOf({ points, groupType, bucket }: Series): number[] | null {
  if (bucket !== null) return null;
  const place = isNumeric(groupType) ? numberOf : groupType === 'timestamp' || groupType === 'timestamptz' ? (value: unknown) => momentOf(String(value)) : null;
  const places = place === null ? [] : points.map((point) => place(point.group));
  return places.length > 1 && places.every((one) => one !== null) ? places : null;
}

export function across(series: Series, kind: 'bar' | 'line', left: number, width: number): Across {
  const places = kind === 'line' ? placesOf(series) : null;
  if (places !== null) {
    const sorted = [...places].sort((a, b) => a - b);
    const frame = { domain: [sorted[0] ?? 0, sorted.at(-1) ?? 1], range: [left + 8, left + width - 8] };
    const scale = scaleLinear<number>(frame);
    const xs = places.map((place) => scale(place));
    const room = Math.max(2, width / 80);
    const marks = isNumeric(series.groupType)
      ? scale.ticks(room).map((tick) => ({ x: scale(tick), text: shortNumber(tick) }))
      : scaleUtc<number>(frame).ticks(room).map((tick) => ({ x: scale(tick.getTime()), text: momentMark(tick) }));
    return { at: (i) => xs[i] ?? left, nearest: (x) => nearestOf(xs, x), band: 0, marks };
  }
  const scale = scaleBand<number>({ domain: series.points.map((_, i) => i), range: [left, left + width], paddingInner: 0.25, paddingOuter: 0.15 });
  const band = scale.bandwidth();
  const xs = series.points.map((_, i) => (scale(i) ?? left) + band / 2);
  return { at: (i) => xs[i] ?? left, nearest: (x) => nearestOf(xs, x), band, marks: null };
}
