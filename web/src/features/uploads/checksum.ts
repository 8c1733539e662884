// What the storage holds a file to: the SHA-256 of the whole, or of each part of a large one, so that never more than a part is in memory.
import type { Checksum } from '@/lib/api/types';

/** Larger files go in parts of this size. */
export const PART_BYTES = 16 * 1024 * 1024;

export async function sha256Of(piece: Blob): Promise<string | null> {
  // Only a secure context has it.
  if (!('subtle' in crypto)) return null;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await piece.arrayBuffer()));
  return btoa(String.fromCharCode(...digest));
}

/** Null where the browser has no digest: then only lengths are checked. */
export async function checksumOf(file: Blob, onRead: (bytes: number) => void, signal: AbortSignal): Promise<Checksum | null> {
  const sums: string[] = [];
  for (let at = 0; at === 0 || at < file.size; at += PART_BYTES) {
    signal.throwIfAborted();
    const sum = await sha256Of(file.slice(at, at + PART_BYTES));
    if (sum === null) return null;
    sums.push(sum);
    onRead(Math.min(file.size, at + PART_BYTES));
  }
  const [whole] = sums;
  return sums.length === 1 && whole !== undefined ? { sha256: whole } : { part_bytes: PART_BYTES, sha256: sums };
}
