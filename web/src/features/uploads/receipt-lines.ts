// The receipt as an account: one equation, and whether it balances.
import type { Receipt } from '@/lib/api/types';

export interface Term {
  label: string;
  value: number;
}

const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((total, n) => total + n, 0);

/** `inserted` and `quarantined` always show, also as 0; the others only when there are any. */
export function terms(receipt: Receipt): Term[] {
  const all: Term[] = [
    { label: 'inserted', value: receipt.inserted },
    { label: 'updated', value: receipt.updated },
    { label: 'unchanged', value: receipt.unchanged },
    { label: 'superseded', value: receipt.superseded },
    { label: 'quarantined', value: receipt.quarantined },
  ];
  return all.filter(({ label, value }) => value !== 0 || label === 'inserted' || label === 'quarantined');
}

export function balances(receipt: Receipt): boolean {
  const accounted = receipt.inserted + receipt.updated + receipt.unchanged + receipt.superseded + receipt.quarantined;
  return receipt.rows_read === accounted && receipt.records === receipt.headers + receipt.rows_read + sum(receipt.skipped);
}

export const warningCount = (receipt: Receipt): number => sum(receipt.warnings);
