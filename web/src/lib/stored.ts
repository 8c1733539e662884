// Small things a browser remembers: which datasets were open lately, column widths, whether the rail is folded.
import { useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();
window.addEventListener('storage', () => {
  for (const listener of listeners) listener();
});

export function readStored<T>(key: string, fallback: T, check: (value: unknown) => value is T): T {
  const text = localStorage.getItem(`gridkeep.${key}`);
  if (text === null) return fallback;
  try {
    const value: unknown = JSON.parse(text);
    return check(value) ? value : fallback;
  } catch {
    return fallback;
  }
}

/** Whether it is kept: a full or forbidden storage only means that nothing is remembered. */
export function store(key: string, value: unknown): boolean {
  let kept = true;
  try {
    localStorage.setItem(`gridkeep.${key}`, JSON.stringify(value));
  } catch {
    kept = false;
  }
  for (const listener of listeners) listener();
  return kept;
}

export function forget(key: string): void {
  localStorage.removeItem(`gridkeep.${key}`);
  for (const listener of listeners) listener();
}

/** The keys that begin so. */
export function storedKeys(prefix: string): string[] {
  return Array.from({ length: localStorage.length }, (_, i) => localStorage.key(i) ?? '')
    .filter((key) => key.startsWith(`gridkeep.${prefix}`))
    .map((key) => key.slice('gridkeep.'.length));
}

/** The raw text, so that the snapshot is stable; parse it in a memo. */
export function useStoredText(key: string): string | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => localStorage.getItem(`gridkeep.${key}`),
  );
}

export const isStringArray = (value: unknown): value is string[] => Array.isArray(value) && value.every((item) => typeof item === 'string');

export const isWidths = (value: unknown): value is Record<string, number> =>
  typeof value === 'object' && value !== null && Object.values(value).every((width) => typeof width === 'number');
