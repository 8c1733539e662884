// The files on their way, outside of React: navigation does not touch them, and after a reload the server's list brings back all
// but the sending itself. `upload-state.ts` says what a card shows of it.
import { codeOf, OFFLINE } from '@/lib/api/problem';
import type { CreateUpload, Upload } from '@/lib/api/types';
import { isStringArray, readStored, store } from '@/lib/stored';

import { cancelUpload, createUpload, showUpload } from './api';
import { putFile, sha256Of } from './send';
import { isFinal, measure, pushSample, type Sample, type Sending, type Stage, stageOf } from './upload-state';

export interface Tracked {
  /** The upload's id, or one of ours until the API has given it. */
  key: string;
  fileName: string;
  /** The dataset that the rows go to; a new one has its name here before it has an id. */
  datasetName: string;
  upload: Upload | null;
  sending: Sending | null;
  sentElsewhere: boolean;
  samples: readonly Sample[];
  /** Why it did not even become an upload, or why sending broke off. */
  error: unknown;
  offline: boolean;
}

type Published = (upload: Upload) => void;

const DISMISSED = 'dismissed-uploads';
const STARTED = 'started-uploads';
const lockName = (id: string): string => `gridkeep-sending-${id}`;

let tracked: readonly Tracked[] = [];
const listeners = new Set<() => void>();
const finishedListeners = new Set<Published>();
const aborts = new Map<string, AbortController>();
const polling = new Set<string>();

export const snapshot = (): readonly Tracked[] => tracked;

export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Called when an upload comes to its end while the page looks on. */
export function onFinished(listener: Published): () => void {
  finishedListeners.add(listener);
  return () => finishedListeners.delete(listener);
}

function set(next: readonly Tracked[]): void {
  tracked = next;
  for (const listener of listeners) listener();
}

function patch(key: string, change: Partial<Tracked>): void {
  set(tracked.map((item) => (item.key === key ? { ...item, ...change } : item)));
}

export const stage = (item: Tracked): Stage => {
  if (item.error !== null) return 'failed';
  return item.upload ? stageOf(item.upload, item.sending, item.sentElsewhere) : 'sending';
};

/** Asks for an upload and sends the file; every later step is the server's, and is polled. */
export async function start(file: File, datasetName: string, request: Omit<CreateUpload, 'file_name' | 'bytes' | 'checksum'>): Promise<void> {
  let key = `local-${crypto.randomUUID()}`;
  const abort = new AbortController();
  aborts.set(key, abort);
  const item: Tracked = {
    key, fileName: file.name, datasetName, upload: null, sending: { sent: 0, total: file.size }, sentElsewhere: false, samples: [], error: null, offline: false,
  };
  set([item, ...tracked]);
  try {
    const sha256 = await sha256Of(file);
    const created = await createUpload({ ...request, file_name: file.name, bytes: file.size, ...(sha256 ? { checksum: { sha256 } } : {}) });
    store(STARTED, [created.id, ...readStored(STARTED, [], isStringArray)].slice(0, 50));
    patch(key, { key: created.id });
    aborts.delete(key);
    key = created.id;
    aborts.set(key, abort);
    poll(key);
    // The lock tells other tabs that somebody is sending; it goes with the page, however it ends.
    await holding(lockName(key), () =>
      putFile(
        file,
        created,
        (sent) => {
          const now = tracked.find((other) => other.key === key);
          patch(key, { sending: { sent, total: file.size }, samples: pushSample(now?.samples ?? [], { at: Date.now(), value: sent }) });
        },
        abort.signal,
      ),
    );
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'AbortError')) patch(key, { error, sending: null });
  } finally {
    aborts.delete(key);
  }
}

async function holding(name: string, run: () => Promise<void>): Promise<void> {
  await ('locks' in navigator ? navigator.locks.request(name, run) : run());
}

async function heldElsewhere(id: string): Promise<boolean> {
  if (!('locks' in navigator)) return false;
  const state = await navigator.locks.query();
  return (state.held ?? []).some((lock) => lock.name === lockName(id));
}

/** Brings back what a reload forgot: uploads that are not finished, and what became of those that this browser began. */
export function restore(uploads: readonly Upload[]): void {
  const dismissed = readStored(DISMISSED, [], isStringArray);
  const started = readStored(STARTED, [], isStringArray);
  const recent = Date.now() - 30 * 60_000;
  const missing = uploads.filter(
    (upload) =>
      !tracked.some((item) => item.key === upload.id) &&
      !dismissed.includes(upload.id) &&
      (!isFinal(stageOf(upload, null, false)) || (upload.state !== 'cancelled' && started.includes(upload.id) && new Date(upload.finished_at ?? 0).getTime() > recent)),
  );
  if (missing.length === 0) return;
  set([
    ...tracked,
    ...missing.map((upload) => ({
      key: upload.id, fileName: upload.file_name, datasetName: upload.dataset_name, upload, sending: null, sentElsewhere: false, samples: [], error: null, offline: false,
    })),
  ]);
  for (const upload of missing) if (!isFinal(stageOf(upload, null, false))) poll(upload.id);
}

function poll(id: string): void {
  if (polling.has(id)) return;
  polling.add(id);
  void (async () => {
    let wait = 400;
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      const before = tracked.find((item) => item.key === id);
      if (!before || (before.error !== null && !before.upload)) break;
      try {
        const upload = await showUpload(id);
        const stageBefore = before.upload?.state;
        const sending = upload.state === 'created' ? before.sending : null;
        const sentElsewhere = upload.state === 'created' && !sending && (await heldElsewhere(id));
        const now = stageOf(upload, sending, sentElsewhere);
        const done = measure(now, upload, sending);
        const fresh = stageBefore === upload.state ? (tracked.find((item) => item.key === id)?.samples ?? []) : [];
        const samples = now === 'sending' || !done ? fresh : pushSample(fresh, { at: Date.now(), value: done.done });
        patch(id, { upload, sending: sending && (tracked.find((item) => item.key === id)?.sending ?? sending), sentElsewhere, samples, offline: false });
        if (isFinal(now)) {
          if (before.error !== null) patch(id, { error: null });
          for (const listener of finishedListeners) listener(upload);
          break;
        }
        wait = now === 'interrupted' ? 5000 : now === 'sending' ? 1500 : Math.min(1000, wait + 100);
      } catch (error) {
        const code = codeOf(error);
        if (code === 'not_found' || code === 'unauthenticated') break;
        patch(id, { offline: code === OFFLINE || code === 'unavailable' });
        wait = Math.min(10_000, wait * 2);
      }
    }
    polling.delete(id);
  })();
}

export async function cancel(key: string): Promise<void> {
  aborts.get(key)?.abort();
  const item = tracked.find((other) => other.key === key);
  if (key.startsWith('local-')) {
    set(tracked.filter((other) => other.key !== key));
    return;
  }
  try {
    await cancelUpload(key);
    const upload = await showUpload(key);
    patch(key, { upload, sending: null, error: null });
  } catch (error) {
    // Published in the meantime: the poll shows it.
    if (codeOf(error) !== 'conflict' && item) patch(key, { error });
  }
}

/** Puts a card away, also after a reload. */
export function dismiss(key: string): void {
  store(DISMISSED, [key, ...readStored(DISMISSED, [], isStringArray)].slice(0, 200));
  set(tracked.filter((item) => item.key !== key));
}

export const isSending = (): boolean => tracked.some((item) => item.sending !== null && item.sending.sent < item.sending.total && item.error === null);

window.addEventListener('beforeunload', (event) => {
  // Only the bytes still here would be lost; all that was sent goes on without the page.
  if (isSending()) event.preventDefault();
});
