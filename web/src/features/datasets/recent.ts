import { useMemo } from 'react';

import { isStringArray, readStored, store, useStoredText } from '@/lib/stored';

const KEY = 'recent';

/** Ids of the datasets opened lately, newest first. */
export function useRecent(): string[] {
  const text = useStoredText(KEY);
  return useMemo(() => (text === null ? [] : readStored(KEY, [], isStringArray)), [text]);
}

export function remember(id: string): void {
  const before = readStored(KEY, [], isStringArray);
  if (before[0] !== id) store(KEY, [id, ...before.filter((other) => other !== id)].slice(0, 12));
}
