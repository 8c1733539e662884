// Sums without rounding: int64 and decimal cells are strings, and a foot that says 350,217,607 must mean it.
import { separated } from './format';

export interface Stats {
  count: number;
  sum: string;
  avg: string;
  min: string;
  max: string;
}

interface Scaled {
  digits: bigint;
  scale: number;
}

function parse(text: string): Scaled | null {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!match) return null;
  const fraction = match[3] ?? '';
  return { digits: BigInt(`${match[1] ?? ''}${match[2] ?? '0'}${fraction}`), scale: fraction.length };
}

function print({ digits, scale }: Scaled): string {
  const sign = digits < 0n ? '-' : '';
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, '0');
  const whole = separated(text.slice(0, text.length - scale));
  const fraction = scale === 0 ? '' : text.slice(text.length - scale).replace(/0+$/, '');
  return fraction === '' ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
}

const at = ({ digits, scale }: Scaled, wanted: number): bigint => digits * 10n ** BigInt(wanted - scale);

/** Of the values that are numbers; null when there is none. */
export function stats(values: Iterable<unknown>): Stats | null {
  const numbers: Scaled[] = [];
  for (const value of values) {
    const text = typeof value === 'number' ? plain(value) : value;
    const number = typeof text === 'string' ? parse(text) : null;
    if (number) numbers.push(number);
  }
  if (numbers.length === 0) return null;
  const scale = Math.max(...new Set(numbers.map((n) => n.scale)));
  let sum = 0n;
  let min: bigint | null = null;
  let max: bigint | null = null;
  for (const number of numbers) {
    const value = at(number, scale);
    sum += value;
    if (min === null || value < min) min = value;
    if (max === null || value > max) max = value;
  }
  const average = (sum * 10_000n) / BigInt(numbers.length);
  return {
    count: numbers.length,
    sum: print({ digits: sum, scale }),
    avg: print({ digits: average, scale: scale + 4 }),
    min: print({ digits: min ?? 0n, scale }),
    max: print({ digits: max ?? 0n, scale }),
  };
}

/** `a - b`, every digit of it; null when either is no plain number. */
export function difference(a: string, b: string): string | null {
  const [one, other] = [parse(a), parse(b)];
  if (!one || !other) return null;
  const scale = Math.max(one.scale, other.scale);
  return print({ digits: at(one, scale) - at(other, scale), scale });
}

function plain(value: number): string {
  const text = String(value);
  return text.includes('e') ? value.toFixed(20) : text;
}
