// Days, weeks, months, quarters and years along an axis: their names, and the empty ones between them. A bucket is its first day.
import type { Bucket } from './measures';

const formats: Record<'day' | 'month', Intl.DateTimeFormat> = {
  day: new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' }),
  month: new Intl.DateTimeFormat('en-GB', { month: 'short', year: 'numeric', timeZone: 'UTC' }),
};

const utc = (iso: string): Date => new Date(`${iso.slice(0, 10)}T00:00:00Z`);

/** "Jan 2013", "Q1 2013", "1 Jan 2013"; a week is named by its first day. */
export function bucketLabel(iso: string, bucket: Bucket): string {
  const date = utc(iso);
  // Years beyond four digits and BC are left as they are spelled.
  if (!/^\d{4}-/.test(iso) || Number.isNaN(date.getTime())) return iso;
  if (bucket === 'year') return iso.slice(0, 4);
  if (bucket === 'quarter') return `Q${Math.floor(date.getUTCMonth() / 3) + 1} ${iso.slice(0, 4)}`;
  if (bucket === 'month') return formats.month.format(date);
  return formats.day.format(date);
}

export const bucketName = (iso: string, bucket: Bucket): string => (bucket === 'week' ? `Week of ${bucketLabel(iso, bucket)}` : bucketLabel(iso, bucket));

export function nextBucket(iso: string, bucket: Bucket): string {
  const date = utc(iso);
  if (bucket === 'day' || bucket === 'week') date.setUTCDate(date.getUTCDate() + (bucket === 'day' ? 1 : 7));
  else if (bucket === 'year') date.setUTCFullYear(date.getUTCFullYear() + 1);
  else date.setUTCMonth(date.getUTCMonth() + (bucket === 'month' ? 1 : 3));
  return date.toISOString().slice(0, 10);
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: 'UTC' });
const monthDay = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** A round moment on an axis: the largest of its parts that is not a beginning. */
export function momentMark(moment: Date): string {
  if (moment.getTime() % 86_400_000 !== 0) return clock.format(moment);
  return moment.getUTCDate() === 1 ? formats.month.format(moment) : monthDay.format(moment);
}

const MOST = 2000;

/** All buckets from the first to the last; the given ones alone where the gaps would be too many to draw. */
export function fillBuckets(present: readonly string[], bucket: Bucket): string[] {
  const sorted = [...new Set(present)].sort();
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined || !/^\d{4}-/.test(first) || !/^\d{4}-/.test(last)) return sorted;
  const known = new Set(sorted);
  const all: string[] = [];
  for (let at = first; at <= last; at = nextBucket(at, bucket)) {
    all.push(at);
    known.delete(at);
    if (all.length > MOST) return sorted;
  }
  // A bucket that does not begin where this calendar has it begin: nothing may be lost.
  return known.size === 0 ? all : sorted;
}
