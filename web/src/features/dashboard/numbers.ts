// How a widget's values read: exact where somebody looks closely, short on axes and beside bars.
import { difference } from '@/lib/exact-sum';
import { cellDisplay, isNumeric } from '@/lib/cells';
import { count, separated } from '@/lib/format';
import type { ColumnType } from '@/lib/api/types';

import type { Value } from './types';

const SCALES = [
  { from: 1e12, unit: 'T' },
  { from: 1e9, unit: 'B' },
  { from: 1e6, unit: 'M' },
  { from: 1e3, unit: 'k' },
];

const three = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });
const precise = new Intl.NumberFormat('en-US', { maximumFractionDigits: 17 });

/** "1.2k", "3.4M", "0.012". */
export function shortNumber(n: number): string {
  const size = Math.abs(n);
  // What rounds to a thousand of a unit is one of the next: 999,999 is 1M.
  const scale = SCALES.find(({ from }) => size >= from * 0.9995);
  if (scale) return `${three.format(n / scale.from)}${scale.unit}`;
  return size > 0 && size < 1e-4 ? n.toExponential(1) : three.format(n);
}

/** Every digit, with separators: int64 and decimal come as texts, which a float would round. */
function inFull(text: string): string {
  const match = /^(-?)(\d+)(\.\d+)?$/.exec(text);
  if (!match) return text;
  return `${match[1] ?? ''}${separated(match[2] ?? '')}${match[3] ?? ''}`;
}

/** The value in full. */
export function exactValue(value: Value | undefined, type: ColumnType): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'number') return Math.abs(value) >= 1e21 ? String(value) : precise.format(value);
  return isNumeric(type) ? inFull(String(value)) : cellDisplay(value, type);
}

/** Whole numbers in full, others to what an eye can use: "1,039.9", "12.64", "0.0127". */
export function shownValue(value: Value | undefined, type: ColumnType): string {
  const text = exactValue(value, type);
  if (!isNumeric(type) || !/[.e]/.test(text)) return text;
  const n = Number(value);
  const size = Math.abs(n);
  if (size >= 1e15) return shortNumber(n);
  if (size > 0 && size < 1) return size < 1e-4 ? n.toExponential(2) : three.format(n);
  return n.toLocaleString('en-US', { maximumFractionDigits: size >= 1000 ? 1 : 2 });
}

/** Beside a bar: whole and in full while that is short. */
export function labelValue(value: Value | undefined, type: ColumnType): string {
  const n = numberOf(value);
  if (n === null) return '–';
  if (Math.abs(n) >= 999_999.5 || (Math.abs(n) < 1000 && !Number.isInteger(n))) return shortNumber(n);
  return Number.isInteger(n) ? exactValue(value, type) : count(Math.round(n));
}

/** For a length or a height; null has none. */
export function numberOf(value: Value | undefined): number | null {
  if (value === null || value === undefined || typeof value === 'boolean' || value === '') return null;
  const n = Number(value);
  return Number.isFinite(n) ? n : null;
}

export interface Change {
  direction: 'up' | 'down' | 'same';
  /** "+12", "−0.4". */
  by: string;
  /** "+0.4%"; null from zero or without a number. */
  percent: string | null;
  exact: string;
}

const signed = (text: string): string => (text.startsWith('-') ? `−${text.slice(1)}` : `+${text}`);

/** Against the version before; null when there is nothing to compare. */
export function changeOf(before: Value | undefined, after: Value | undefined, type: ColumnType): Change | null {
  if (before === undefined || after === undefined || before === null || after === null || !isNumeric(type)) return null;
  const exact = typeof after === 'number' ? exactValue(Number((after - Number(before)).toPrecision(12)), type) : difference(String(after), String(before));
  if (exact === null) return null;
  const plain = exact.replaceAll(',', '');
  const by = Number(plain);
  if (by === 0) return { direction: 'same', by: 'no change', percent: null, exact: '0' };
  const from = Number(before);
  const share = from === 0 ? null : (by / Math.abs(from)) * 100;
  const percent = share === null ? null : Math.abs(share) < 0.01 ? '<0.01%' : `${signed(share.toLocaleString('en-US', { maximumSignificantDigits: 2, useGrouping: true }))}%`;
  return { direction: by > 0 ? 'up' : 'down', by: signed(shownValue(plain, type)), percent, exact: signed(exact) };
}

const UNITS: Record<string, string> = {
  km: 'km', m: 'm', cm: 'cm', mm: 'mm', mi: 'mi', miles: 'miles', ft: 'ft', kg: 'kg', g: 'g', t: 't', lb: 'lb', l: 'l', ml: 'ml', s: 's', sec: 's', seconds: 's',
  ms: 'ms', min: 'min', mins: 'min', minutes: 'min', h: 'h', hours: 'h', days: 'days', usd: 'USD', eur: 'EUR', chf: 'CHF', gbp: 'GBP', pct: '%', percent: '%', mph: 'mph',
  kmh: 'km/h', kw: 'kW', kwh: 'kWh', mwh: 'MWh', bytes: 'bytes', kb: 'kB', mb: 'MB', gb: 'GB', c: '°C', celsius: '°C',
};

/** A unit that the column's own name tells: "weight (kg)", "price_usd". */
export function unitOf(name: string): string | null {
  const bracketed = /[([]([^()[\]]{1,12})[)\]]\s*$/.exec(name);
  if (bracketed?.[1]) return UNITS[bracketed[1].toLowerCase()] ?? bracketed[1];
  const last = /[_\s]([a-z%]+)$/i.exec(name)?.[1]?.toLowerCase();
  return last === undefined ? null : (UNITS[last] ?? null);
}
