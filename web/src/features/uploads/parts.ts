// A file in parts: several at a time, each sent again by a new link when it does not arrive. What is there stays there, so that a
// pause, a lost connection or a reload costs the parts on their way alone.
import { OfflineError } from '@/lib/api/problem';
import type { PartLink, PartLinks, SentPart } from '@/lib/api/types';

const AT_ONCE = 4;
/** A storage that refuses so often in a row is not going to take it. */
const REFUSALS_MAX = 3;
const WAIT_LONGEST = 15_000;

/** Sends one part and gives its ETag. */
export type PutPart = (part: PartLink, piece: Blob, onSent: (bytes: number) => void) => Promise<string>;

interface Sending {
  put: PutPart;
  /** The parts as the server has them, with new links. */
  refresh: () => Promise<PartLinks>;
  onSent: (bytes: number) => void;
  wait: (ms: number) => Promise<void>;
}

const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';

export const received = (links: PartLinks): number => links.parts.reduce((sum, part) => sum + (part.etag ? part.bytes : 0), 0);

/** All parts with their ETags, when all are there. */
export function allSent(links: PartLinks): SentPart[] | null {
  const sent = links.parts.flatMap(({ number, etag }) => (etag ? [{ number, etag }] : []));
  return sent.length === links.parts.length ? sent : null;
}

/** Sends what is missing. A lost connection is waited for, for ever; an abort ends it. */
export async function sendParts(file: Blob, first: PartLinks, { put, refresh, onSent, wait }: Sending): Promise<SentPart[]> {
  let links = first;
  let refusals = 0;
  for (let pause = 500; ; pause = Math.min(WAIT_LONGEST, pause * 2)) {
    const before = received(links);
    const failure = await sendMissing(file, links, put, onSent);
    const sent = allSent(links);
    if (sent) return sent;
    if (received(links) > before) [pause, refusals] = [500, 0];
    if (!(failure instanceof OfflineError) && (refusals += 1) >= REFUSALS_MAX) throw failure;
    await wait(pause);
    try {
      links = await refresh();
    } catch (error) {
      if (!(error instanceof OfflineError)) throw error;
    }
  }
}

/** One round: the first failure, after which no further part is begun. */
async function sendMissing(file: Blob, links: PartLinks, put: PutPart, onSent: (bytes: number) => void): Promise<unknown> {
  const queue = links.parts.filter((part) => !part.etag);
  const onTheirWay = new Map<number, number>();
  const tell = (): void => onSent(received(links) + [...onTheirWay.values()].reduce((sum, bytes) => sum + bytes, 0));
  let failure: unknown = null;
  tell();
  const worker = async (): Promise<void> => {
    for (let part = queue.shift(); part && failure === null; part = queue.shift()) {
      const { number, bytes } = part;
      const from = (number - 1) * links.part_bytes;
      try {
        part.etag = await put(part, file.slice(from, from + bytes), (sent) => {
          onTheirWay.set(number, sent);
          tell();
        });
      } catch (error) {
        if (isAbort(error)) throw error;
        failure ??= error;
      }
      onTheirWay.delete(number);
      tell();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return failure;
}
