// The files on their way, outside of React: navigation does not touch them, and after a reload the server's list brings back all
// but the sending itself; a large file goes on with the parts that are missing once it is chosen again. `upload-state.ts` says what a
// card shows of it.
import { codeOf, OFFLINE, reasonOf } from '@/lib/api/problem';
import type { CreateUpload, Link, PartLinks, Upload } from '@/lib/api/types';
import { bytes } from '@/lib/format';
import { isStringArray, readStored, store } from '@/lib/stored';

import { cancelUpload, completeUpload, createUpload, listParts, showUpload } from './api';
import { checksumOf, PART_BYTES, sha256Of } from './checksum';
import { allSent, received, sendParts } from './parts';
import { put } from './send';
import { isFinal, isOver, measure, pushSample, type Sample, type Sending, type Stage, stageOf } from './upload-state';

export interface Tracked {
  /** The upload's id, or one of ours until the API has given it. */
  key: string;
  fileName: string;
  /** The dataset that the rows go to; a new one has its name here before it has an id. */
  datasetName: string;
  upload: Upload | null;
  sending: Sending | null;
  sentElsewhere: boolean;
  /** Sending waits for the user, who asked for it (null) or can mend this. */
  held: { reason: string | null } | null;
  /** Of an interrupted file: how much of it is there. */
  kept: number | null;
  /** Why the file that was chosen to go on with is not taken. */
  refused: string | null;
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
/** Ends the wait before the next poll. */
const wakes = new Map<string, () => void>();
/** Files that are being sent or held, by the upload's id. */
const files = new Map<string, File>();

const fresh: Omit<Tracked, 'key' | 'fileName' | 'datasetName'> = {
  upload: null, sending: null, sentElsewhere: false, held: null, kept: null, refused: null, samples: [], error: null, offline: false,
};

export const snapshot = (): readonly Tracked[] => tracked;

export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Called when an upload comes to its end, or begins to wait for its user, while the page looks on. */
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

/** Whether something of its file is still to be done, also where its own table is over. */
export const isUnderway = (item: Tracked): boolean => !isFinal(stage(item)) || (item.upload?.tables.some((table) => !isOver(table) && table.state !== 'awaiting_confirmation') ?? false);

export const stage = (item: Tracked): Stage => {
  if (item.error !== null) return 'failed';
  if (item.held && (item.upload?.state ?? 'created') === 'created') return 'paused';
  return item.upload ? stageOf(item.upload, item.sending, item.sentElsewhere) : 'sending';
};

/** Asks for an upload and sends the file; every later step is the server's, and is polled. */
export async function start(file: File, datasetName: string, request: Omit<CreateUpload, 'file_name' | 'bytes' | 'checksum'>, onCreated?: (id: string) => void): Promise<void> {
  let key = `local-${crypto.randomUUID()}`;
  const abort = new AbortController();
  aborts.set(key, abort);
  const sending = (sent: number): Sending => ({ sent, total: file.size });
  set([{ ...fresh, key, fileName: file.name, datasetName, sending: sending(0) }, ...tracked]);
  try {
    // Worth telling only of a large file.
    const onRead = (read: number): void => (file.size > PART_BYTES ? patch(key, { sending: { ...sending(read), checking: true } }) : undefined);
    const checksum = await checksumOf(file, onRead, abort.signal);
    patch(key, { sending: sending(0) });
    const created = await createUpload({ ...request, file_name: file.name, bytes: file.size, ...(checksum ? { checksum } : {}) });
    store(STARTED, [created.id, ...readStored(STARTED, [], isStringArray)].slice(0, 50));
    patch(key, { key: created.id });
    aborts.delete(key);
    key = created.id;
    poll(key);
    onCreated?.(key);
    await send(key, file, created, abort);
  } catch (error) {
    if (!isAbort(error)) patch(key, { error, sending: null });
  } finally {
    aborts.delete(key);
  }
}

const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';

/** Sends the bytes. The lock tells other tabs that somebody does; it goes with the page, however it ends. */
async function send(key: string, file: File, to: Link | PartLinks, abort: AbortController): Promise<void> {
  aborts.set(key, abort);
  files.set(key, file);
  const onSent = (sent: number): void => {
    const now = tracked.find((other) => other.key === key);
    patch(key, { sending: { sent, total: file.size }, samples: pushSample(now?.samples ?? [], { at: Date.now(), value: sent }) });
  };
  await holding(lockName(key), async () => {
    if ('url' in to) {
      await put(file, to, onSent, abort.signal);
      return;
    }
    try {
      const refresh = (): Promise<PartLinks> => listParts(key);
      const parts = await sendParts(file, to, { put: (part, piece, tell) => put(piece, part, tell, abort.signal), refresh, onSent, wait: (ms) => pausing(ms, abort.signal) });
      await completeUpload(key, parts);
    } catch (error) {
      // What is there stays there: it can be gone on with.
      if (!isAbort(error)) patch(key, { held: { reason: reasonOf(error) } });
    }
  });
  if (!tracked.find((item) => item.key === key)?.held) files.delete(key);
}

const pausing = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new DOMException('stopped', 'AbortError'));
    });
  });

/** Large files go in parts, which wait for the rest. */
export const inParts = (upload: Upload): boolean => upload.bytes_total > PART_BYTES;

export function pause(key: string): void {
  patch(key, { held: { reason: null }, samples: [] });
  aborts.get(key)?.abort();
}

/** Goes on with a file that was held, or that is chosen again after a reload: the same content, whatever its name. */
export async function goOn(key: string, chosen?: File): Promise<void> {
  const item = tracked.find((other) => other.key === key);
  const file = chosen ?? files.get(key);
  if (!item?.upload || !file || (aborts.has(key) && !item.held)) return;
  const abort = new AbortController();
  aborts.set(key, abort);
  try {
    const links = await listParts(key);
    const refused = chosen ? await difference(item.upload, chosen, links) : null;
    patch(key, { refused, held: null });
    if (refused !== null) return;
    patch(key, { sending: { sent: received(links), total: file.size }, samples: [] });
    await send(key, file, links, abort);
  } catch (error) {
    if (!isAbort(error)) patch(key, chosen ? { refused: reasonOf(error) } : { held: { reason: reasonOf(error) } });
  } finally {
    if (aborts.get(key) === abort) aborts.delete(key);
  }
}

/** Why it is not the file that was begun. The storage checks the other parts as they come. */
async function difference(upload: Upload, file: File, links: PartLinks): Promise<string | null> {
  if (file.size !== upload.bytes_total) {
    return `${file.name} is another file: it has ${bytes(file.size)}, not ${bytes(upload.bytes_total)}. Nothing of it was sent.`;
  }
  const expected = links.parts[0]?.headers['x-amz-checksum-sha256'];
  if (expected === undefined || (await sha256Of(file.slice(0, links.part_bytes))) === expected) return null;
  return `${file.name} has another content than the file that was begun. Nothing of it was sent. Upload it anew instead.`;
}

/** How much of an interrupted file is there; when it is all of it, no file is needed. */
async function lookAtParts(upload: Upload): Promise<void> {
  try {
    const links = await listParts(upload.id);
    const parts = allSent(links);
    patch(upload.id, { kept: received(links) });
    if (parts) await completeUpload(upload.id, parts);
  } catch {
    // The poll tells what became of it.
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
  // Of a file with several tables the first one's card tells of all.
  const firsts = new Set(uploads.flatMap((upload) => (upload.first != null && !isOver(upload) ? [upload.first] : [])));
  for (const id of firsts) {
    if (!dismissed.includes(id) && !tracked.some((item) => item.key === id)) void showUpload(id).then(follow, () => undefined);
  }
  const missing = uploads.filter(
    (upload) =>
      !tracked.some((item) => item.key === upload.id) &&
      !dismissed.includes(upload.id) &&
      upload.first == null &&
      (!isFinal(stageOf(upload, null, false)) || (upload.state !== 'cancelled' && started.includes(upload.id) && new Date(upload.finished_at ?? 0).getTime() > recent)),
  );
  if (missing.length === 0) return;
  set([
    ...tracked,
    ...missing.map((upload) => ({ ...fresh, key: upload.id, fileName: upload.file_name, datasetName: upload.dataset_name, upload })),
  ]);
  for (const upload of missing) {
    if (!isFinal(stageOf(upload, null, false))) poll(upload.id);
    if (upload.state === 'created' && inParts(upload)) void heldElsewhere(upload.id).then((held) => (held ? undefined : lookAtParts(upload)));
  }
}

/** Follows an upload from what was just learned of it, also one that was put away. */
export function follow(upload: Upload): void {
  const { id } = upload;
  const known = tracked.find((item) => item.key === id);
  if (known) patch(id, { upload });
  else set([{ ...fresh, key: id, fileName: upload.file_name, datasetName: upload.dataset_name, upload }, ...tracked]);
  poll(id);
  if (known?.upload?.state !== upload.state) wakes.get(id)?.();
}

function poll(id: string): void {
  if (polling.has(id)) return;
  polling.add(id);
  void (async () => {
    let wait = 400;
    for (;;) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, wait);
        wakes.set(id, () => {
          clearTimeout(timer);
          resolve();
        });
      });
      const before = tracked.find((item) => item.key === id);
      if (!before || (before.error !== null && !before.upload)) break;
      try {
        const upload = await showUpload(id);
        const stageBefore = before.upload?.state;
        const sending = upload.state === 'created' ? before.sending : null;
        const sentElsewhere = upload.state === 'created' && !sending && (await heldElsewhere(id));
        const now = stageOf(upload, sending, sentElsewhere);
        const done = measure(now, upload, sending);
        const known = stageBefore === upload.state ? (tracked.find((item) => item.key === id)?.samples ?? []) : [];
        const samples = now === 'sending' || !done ? known : pushSample(known, { at: Date.now(), value: done.done });
        patch(id, { upload, sending: sending && (tracked.find((item) => item.key === id)?.sending ?? sending), sentElsewhere, samples, offline: false });
        const others = upload.tables.filter((table) => table.upload_id !== id);
        const over = others.filter(isOver).length;
        if (isFinal(now) && before.error !== null) patch(id, { error: null });
        if (isFinal(now) && (stageBefore !== upload.state || over > (before.upload?.tables.filter((table) => table.upload_id !== id && isOver(table)).length ?? 0))) {
          for (const listener of finishedListeners) listener(upload);
        }
        if (isFinal(now) && over === others.length) break;
        if (now === 'confirming' && stageBefore !== upload.state) for (const listener of finishedListeners) listener(upload);
        if (isFinal(now)) wait = others.some((table) => !isOver(table) && table.state !== 'awaiting_confirmation') ? 1000 : 5000;
        else wait = now === 'interrupted' || now === 'confirming' ? 5000 : now === 'sending' ? 1500 : Math.min(1000, wait + 100);
      } catch (error) {
        const code = codeOf(error);
        if (code === 'not_found' || code === 'unauthenticated') break;
        patch(id, { offline: code === OFFLINE || code === 'unavailable' });
        wait = Math.min(10_000, wait * 2);
      }
    }
    polling.delete(id);
    wakes.delete(id);
  })();
}

/** Throws why it was not cancelled; it goes on then. */
export async function cancel(key: string): Promise<void> {
  aborts.get(key)?.abort();
  files.delete(key);
  const item = tracked.find((other) => other.key === key);
  if (key.startsWith('local-')) {
    set(tracked.filter((other) => other.key !== key));
    return;
  }
  try {
    await cancelUpload(key);
  } catch (error) {
    // Its bytes come no more. What the server has already goes on, and the poll shows it.
    if (item?.sending && codeOf(error) !== 'conflict') patch(key, { error });
    throw error;
  }
  // The poll tells it as well.
  const upload = await showUpload(key).catch(() => null);
  if (upload) patch(key, { upload, sending: null, held: null, error: null });
}

/** Cancels another table of an upload's file; the upload itself goes on. */
export async function cancelTable(key: string, table: string): Promise<void> {
  await cancelUpload(table);
  const upload = await showUpload(key).catch(() => null);
  if (upload) patch(key, { upload });
}

/** Puts a card away, also after a reload. */
export function dismiss(key: string): void {
  store(DISMISSED, [key, ...readStored(DISMISSED, [], isStringArray)].slice(0, 200));
  set(tracked.filter((item) => item.key !== key));
}

export const isSending = (): boolean => tracked.some((item) => stage(item) === 'sending' && item.sending !== null);

window.addEventListener('beforeunload', (event) => {
  // Only the bytes still here would be lost; all that was sent goes on without the page.
  if (isSending()) event.preventDefault();
});
