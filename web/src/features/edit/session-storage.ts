// Keeps a session over a reload: a snapshot, and behind it one small entry for each action since. Writing an action costs what the
// action costs, however long the session is; the snapshot is renewed when the page is idle.
import { forget, readStored, store, storedKeys } from '@/lib/stored';

import { type Action, reduce, type Session } from './session';

/** Entries after which a new snapshot is worth its writing. */
const ENTRIES_MAX = 60;
/** A snapshot that remembers more steps than these would outgrow what a browser keeps. */
const STEPS_KEPT = 50;

type Plain<T> = { [K in keyof T]: T[K] extends ReadonlyMap<string, infer V> ? [string, V extends ReadonlyMap<string, infer W> ? [string, W][] : V][] : T[K] };

interface Snapshot {
  format: 1;
  /** The last action that is in it. */
  seq: number;
  session: Plain<Session>;
}

interface Entry {
  seq: number;
  action: Action;
}

const plain = (session: Session): Plain<Session> => ({
  ...session,
  updates: [...session.updates].map(([row, cells]) => [row, [...cells]]),
  added: [...session.added],
  deleted: [...session.deleted],
  names: [...session.names],
  past: session.past.slice(-STEPS_KEPT),
  future: session.future.slice(-STEPS_KEPT),
});

const revive = (session: Plain<Session>): Session => ({
  ...session,
  updates: new Map(session.updates.map(([row, cells]) => [row, new Map(cells)])),
  added: new Map(session.added),
  deleted: new Map(session.deleted),
  names: new Map(session.names),
});

const isSnapshot = (value: unknown): value is Snapshot => typeof value === 'object' && value !== null && 'format' in value && value.format === 1 && 'session' in value;
const isEntry = (value: unknown): value is Entry | null => typeof value === 'object' && value !== null && 'seq' in value && 'action' in value;

export class SessionStorage {
  private seq = 0;
  private entries = 0;
  private readonly key: string;

  constructor(dataset: string, user: string) {
    this.key = `edit.${dataset}.${user}`;
  }

  /** The session as it was left; null when there is none. */
  restore(): Session | null {
    const snapshot = readStored<Snapshot | null>(this.key, null, isSnapshot);
    this.entries = 0;
    this.seq = snapshot?.seq ?? 0;
    if (!snapshot) return null;
    let session = revive(snapshot.session);
    for (;;) {
      const entry = readStored<Entry | null>(this.entryKey(this.seq + 1), null, isEntry);
      if (!entry) return session;
      session = reduce(session, entry.action);
      this.seq += 1;
      this.entries += 1;
    }
  }

  /** Writes one action; false when the browser does not keep it. */
  append(action: Action): boolean {
    this.seq += 1;
    this.entries += 1;
    return store(this.entryKey(this.seq), { seq: this.seq, action });
  }

  get isLong(): boolean {
    return this.entries >= ENTRIES_MAX;
  }

  /** Writes all of it anew and forgets the single actions. */
  save(session: Session): boolean {
    const snapshot: Snapshot = { format: 1, seq: this.seq, session: plain(session) };
    const bare = { ...snapshot, session: { ...snapshot.session, past: [], future: [] } };
    if (!store(this.key, snapshot) && !store(this.key, bare)) return false;
    for (const key of storedKeys(`${this.key}.`)) forget(key);
    this.entries = 0;
    return true;
  }

  clear(): void {
    for (const key of [this.key, ...storedKeys(`${this.key}.`)]) forget(key);
    this.seq = 0;
    this.entries = 0;
  }

  /** Whether a change of the browser's storage, made by another tab, is about this session. */
  isAbout(key: string | null): boolean {
    return key === null || key.startsWith(`gridkeep.${this.key}`);
  }

  private entryKey(seq: number): string {
    return `${this.key}.${seq}`;
  }
}
