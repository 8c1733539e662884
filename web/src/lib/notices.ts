// Short news of what was just done, with its way back; shown by the frame wherever one is by then.
import { useSyncExternalStore } from 'react';

export interface Notice {
  id: number;
  text: string;
  /** What went wrong stays until it is put away. */
  bad?: boolean;
  undo?: () => void;
}

let notices: readonly Notice[] = [];
let ids = 0;
const listeners = new Set<() => void>();

function set(next: readonly Notice[]): void {
  notices = next;
  for (const listener of listeners) listener();
}

/** Three at most: the oldest gives way. */
export function notify(notice: Omit<Notice, 'id'>): void {
  ids += 1;
  set([...notices, { ...notice, id: ids }].slice(-3));
}

export const dismiss = (id: number): void => set(notices.filter((notice) => notice.id !== id));

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useNotices = (): readonly Notice[] => useSyncExternalStore(subscribe, () => notices);
