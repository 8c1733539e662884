// How counts, sizes, durations and moments read, everywhere.

const integers = new Intl.NumberFormat('en-US');
const one = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' });
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'narrow' });

export const count = (n: number): string => integers.format(n);

/** The digits of a whole number in threes, however many they are. */
export const separated = (digits: string): string => digits.replaceAll(/\B(?=(\d{3})+$)/g, ',');

/** "1 row", "336,776 rows". */
export const plural = (n: number, word: string): string => `${count(n)} ${word}${n === 1 ? '' : 's'}`;

export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = n;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${one.format(value)} ${units[unit] ?? 'B'}`;
}

/** A time left, coarse on purpose: "4 s", "2 min", "1 h 10 min". */
export function duration(seconds: number): string {
  if (seconds < 1) return 'under 1 s';
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return rest === 0 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${rest} min`;
}

export const exactTime = (iso: string): string => exact.format(new Date(iso));
export const dayTime = (iso: string): string => day.format(new Date(iso));

export function relativeTime(iso: string, now = Date.now()): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  const age = Math.abs(seconds);
  if (age < 45) return 'just now';
  if (age < 3600) return relative.format(Math.round(seconds / 60), 'minute');
  if (age < 86_400) return relative.format(Math.round(seconds / 3600), 'hour');
  if (age < 30 * 86_400) return relative.format(Math.round(seconds / 86_400), 'day');
  return day.format(new Date(iso));
}
