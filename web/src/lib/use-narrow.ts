import { useSyncExternalStore } from 'react';

const narrow = window.matchMedia('(max-width: 720px)');

function subscribe(listener: () => void): () => void {
  narrow.addEventListener('change', listener);
  return () => narrow.removeEventListener('change', listener);
}

/** Whether there is only a phone's width: what is a table elsewhere is a list there. */
export const useNarrow = (): boolean => useSyncExternalStore(subscribe, () => narrow.matches);
