// @vitest-environment node
import { describe, expect, it } from 'vitest';

import { OfflineError } from '@/lib/api/problem';
import type { PartLinks } from '@/lib/api/types';

import { allSent, type PutPart, sendParts } from './parts';

const file = new Blob(['aaabbbccc', 'd']);
const links = (there: readonly number[] = []): PartLinks => ({
  part_bytes: 3,
  expires_at: '2026-05-03T14:02:00Z',
  parts: [3, 3, 3, 1].map((bytes, i) => ({ number: i + 1, bytes, url: `https://bucket.example/${i + 1}`, headers: {}, ...(there.includes(i + 1) ? { etag: `old${i + 1}` } : {}) })),
});

async function run(first: PartLinks, put: PutPart, refresh = () => Promise.resolve(links())) {
  const told: number[] = [];
  const waits: number[] = [];
  const parts = await sendParts(file, first, { put, refresh, onSent: (bytes) => told.push(bytes), wait: (ms) => Promise.resolve(void waits.push(ms)) });
  return { parts, told, waits };
}

describe('a file in parts', () => {
  it('sends each part its own bytes and tells how many have left', async () => {
    const bodies: string[] = [];
    const { parts, told } = await run(links(), async (part, piece, onSent) => {
      bodies[part.number - 1] = await piece.text();
      onSent(piece.size);
      return `e${part.number}`;
    });
    expect(bodies).toEqual(['aaa', 'bbb', 'ccc', 'd']);
    expect(parts).toEqual([1, 2, 3, 4].map((number) => ({ number, etag: `e${number}` })));
    expect(told[0]).toBe(0);
    expect(told.at(-1)).toBe(10);
  });

  it('sends only what is not there', async () => {
    const sent: number[] = [];
    const { parts, told } = await run(links([1, 3]), (part) => Promise.resolve(`e${sent.push(part.number)}`));
    expect(sent).toEqual([2, 4]);
    expect(told[0]).toBe(6);
    expect(parts.map(({ etag }) => etag)).toEqual(['old1', 'e1', 'old3', 'e2']);
    expect(allSent(links([1, 3]))).toBeNull();
  });

  it('waits for a lost connection, however long, and goes on by new links', async () => {
    let tries = 0;
    const put: PutPart = (part) => (part.number === 2 && (tries += 1) < 12 ? Promise.reject(new OfflineError()) : Promise.resolve('e'));
    const { waits } = await run(links(), put, () => Promise.resolve(links([1, 3, 4])));
    expect(waits).toHaveLength(11);
    expect(Math.max(...waits)).toBe(15_000);
  });

  it('gives up on a storage that goes on refusing', async () => {
    let tries = 0;
    const put: PutPart = () => Promise.reject(new Error(`refused ${(tries += 1)}`));
    await expect(run(links([1, 2, 3]), put, () => Promise.resolve(links([1, 2, 3])))).rejects.toThrow('refused 3');
  });

  it('stops at once when it is aborted', async () => {
    const put: PutPart = () => Promise.reject(new DOMException('stopped', 'AbortError'));
    await expect(run(links(), put)).rejects.toThrow('stopped');
  });
});
