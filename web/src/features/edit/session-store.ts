// The edit session of one person on one dataset, for every component that shows a part of it. All tabs of a browser see the same one.
import { useMemo, useSyncExternalStore } from 'react';

import type { Conflict, Dataset } from '@/lib/api/types';
import { notify } from '@/lib/notices';

import { type Action, counts, type EditValue, reduce, type Session, startSession } from './session';
import { SessionStorage } from './session-storage';
import { changesIn } from './words';

/** A cell that the server did not take, and the value it was said of. */
export interface BadCell {
  row: string;
  column: string | null;
  message: string;
  after: EditValue | undefined;
}

export interface SessionState {
  session: Session | null;
  /** False when the browser keeps nothing over a reload. */
  kept: boolean;
  dialog: 'review' | 'conflicts' | null;
  conflicts: readonly Conflict[];
  /** The head that was read just before the conflicts were found. */
  head: Dataset | null;
  bad: readonly BadCell[];
  /** A cell that the grid shall show; a new object for every wish. */
  jump: { row: string; column: string | null } | null;
  publishing: boolean;
  /** Why the last attempt to publish came to nothing. */
  error: unknown;
}

/** What the session makes of a cell; undefined where it changes nothing. */
export function changedTo(session: Session, row: string, column: string | null): EditValue | undefined {
  if (column === null) return undefined;
  return session.added.get(row)?.[column] ?? session.updates.get(row)?.get(column)?.after;
}

const SNAPSHOT_WAIT_MS = 400;

export class SessionStore {
  private state: SessionState;
  private readonly listeners = new Set<() => void>();
  private readonly storage: SessionStorage;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    readonly dataset: string,
    user: string,
  ) {
    this.storage = new SessionStorage(dataset, user);
    this.state = { session: this.storage.restore(), kept: true, dialog: null, conflicts: [], head: null, bad: [], jump: null, publishing: false, error: null };
    // What another tab does comes as many small changes: they are read together.
    let heard: ReturnType<typeof setTimeout> | null = null;
    window.addEventListener('storage', (event) => {
      if (!this.storage.isAbout(event.key)) return;
      heard ??= setTimeout(() => {
        heard = null;
        this.update({ session: this.storage.restore() });
      }, 50);
    });
  }

  readonly snapshot = (): SessionState => this.state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  start(dataset: Dataset): void {
    if (this.state.session) return;
    this.write({ session: startSession(dataset.id, dataset.version, dataset.columns, dataset.rows), bad: [], error: null });
  }

  dispatch(action: Action): void {
    const { session } = this.state;
    if (!session) return;
    const next = reduce(session, action);
    if (next === session) return;
    const kept = this.storage.append(action);
    this.update({ session: next, kept });
    if (!kept) this.update({ kept: this.storage.save(next) });
    else if (this.storage.isLong) this.saveSoon();
  }

  update(change: Partial<SessionState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }

  published(version: number): void {
    this.leave();
    notify({ text: `Published as v${version}.` });
  }

  discard(): void {
    const { session } = this.state;
    if (!session) return;
    this.leave();
    notify({ text: `Discarded: ${changesIn(session)}. Nothing was published.`, undo: () => this.bringBack(session) });
  }

  /** Ends the session; nothing of it is kept. */
  leave(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.storage.clear();
    this.update({ session: null, dialog: null, conflicts: [], head: null, bad: [], jump: null, error: null });
  }

  private bringBack(session: Session): void {
    // Another one that has begun since is not overwritten.
    if (!this.state.session || counts(this.state.session).changes === 0) this.write({ session });
  }

  private write(change: Partial<SessionState> & { session: Session }): void {
    this.update({ ...change, kept: this.storage.save(change.session) });
  }

  private saveSoon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      // Not while somebody types: a long session takes a moment to write.
      const save = (): void => {
        const { session } = this.state;
        if (session) this.storage.save(session);
      };
      if ('requestIdleCallback' in window) window.requestIdleCallback(save, { timeout: 10_000 });
      else save();
    }, SNAPSHOT_WAIT_MS);
  }
}

const stores = new Map<string, SessionStore>();

function storeOf(dataset: string, user: string): SessionStore {
  const key = `${dataset} ${user}`;
  const store = stores.get(key) ?? new SessionStore(dataset, user);
  stores.set(key, store);
  return store;
}

export function useSessionStore(dataset: string, user: string): SessionStore {
  return useMemo(() => storeOf(dataset, user), [dataset, user]);
}

export const useSessionState = (store: SessionStore): SessionState => useSyncExternalStore(store.subscribe, store.snapshot);
