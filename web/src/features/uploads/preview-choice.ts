// Whether a file is previewed before it is imported: what was chosen the last time, apart for new datasets and for those that exist.
import { store, useStoredText } from '@/lib/stored';

export type Target = 'new' | 'existing';

const keyOf = (target: Target): string => `preview-${target}`;

export const rememberPreview = (target: Target, on: boolean): boolean => store(keyOf(target), on);

/** Into rows that are there already nothing goes unseen, unless somebody wants it so. */
export function usePreviewChoice(target: Target): boolean {
  const chosen = useStoredText(keyOf(target));
  return chosen === null ? target === 'existing' : chosen === 'true';
}
