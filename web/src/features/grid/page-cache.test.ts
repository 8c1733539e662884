import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { type FetchedPage, PageCache } from './page-cache';

const pageOf = (position: number, limit: number, total = 1000): FetchedPage => ({
  total,
  rows: Array.from({ length: Math.min(limit, total - position) }, (_, i) => ({ row_id: String(position + i), cells: [position + i] })),
});

describe('the page cache', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('fetches the pages on screen and gives their rows by position', async () => {
    const fetchPage = vi.fn((position: number, limit: number) => Promise.resolve(pageOf(position, limit)));
    const cache = new PageCache({ fetchPage, total: 1000, pageRows: 100 });
    cache.want(150, 250);
    await vi.runAllTimersAsync();
    expect(fetchPage.mock.calls.map(([position]) => position)).toEqual([100, 200]);
    expect(cache.row(150)?.row_id).toBe('150');
    expect(cache.row(99)).toBeUndefined();
  });

  it('aborts what was scrolled past and asks only for where the reader stopped', async () => {
    const asked: number[] = [];
    const aborted: number[] = [];
    const cache = new PageCache({
      total: 1_000_000,
      pageRows: 100,
      settleMs: 50,
      fetchPage: (position, limit, signal) => {
        asked.push(position);
        return new Promise((resolve, reject) => {
          const timer = setTimeout(() => resolve(pageOf(position, limit, 1_000_000)), 500);
          signal.addEventListener('abort', () => {
            clearTimeout(timer);
            aborted.push(position);
            reject(new DOMException('gone', 'AbortError'));
          });
        });
      },
    });
    cache.want(0, 30);
    await vi.advanceTimersByTimeAsync(10);
    for (let row = 10_000; row <= 500_000; row += 10_000) cache.want(row, row + 30);
    await vi.runAllTimersAsync();
    expect(aborted).toEqual([0]);
    expect(asked).toEqual([0, 500_000]);
    expect(cache.row(500_010)?.row_id).toBe('500010');
    expect(cache.error).toBeNull();
  });

  it('keeps a bounded number of pages, never dropping those on screen', async () => {
    const cache = new PageCache({ total: 10_000, pageRows: 10, maxPages: 5, fetchPage: (p, l) => Promise.resolve(pageOf(p, l, 10_000)) });
    for (let row = 0; row < 1000; row += 10) {
      cache.want(row, row + 19);
      await vi.runAllTimersAsync();
    }
    expect(cache.row(0)).toBeUndefined();
    expect(cache.row(1009)?.row_id).toBe('1009');
    expect(cache.row(995)?.row_id).toBe('995');
  });

  it('says what failed, and asks again on retry', async () => {
    let broken = true;
    const cache = new PageCache({
      total: 100,
      fetchPage: (p, l) => (broken ? Promise.reject(new Error('down')) : Promise.resolve(pageOf(p, l, 100))),
    });
    cache.want(0, 20);
    await vi.runAllTimersAsync();
    expect(cache.error).toBeInstanceOf(Error);
    broken = false;
    cache.retry();
    await vi.runAllTimersAsync();
    expect(cache.error).toBeNull();
    expect(cache.row(7)?.row_id).toBe('7');
  });

  it('loads a range across pages, using what it has', async () => {
    const fetchPage = vi.fn((p: number, l: number) => Promise.resolve(pageOf(p, l)));
    const cache = new PageCache({ total: 1000, pageRows: 100, fetchPage });
    cache.want(0, 10);
    await vi.runAllTimersAsync();
    const rows = await cache.load(95, 205, new AbortController().signal);
    expect(rows.map((row) => row.row_id)).toEqual(Array.from({ length: 111 }, (_, i) => String(95 + i)));
    expect(fetchPage).toHaveBeenCalledTimes(3);
  });
});
