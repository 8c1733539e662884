// The rows that are in memory: a sparse map of pages of one (dataset, version, sort, filter). A version never changes, so a page
// never goes stale; it is only dropped when there are too many. Pages that the reader scrolled past before they came are aborted.
import type { Row } from '@/lib/api/types';

export const PAGE_ROWS = 200;

export interface FetchedPage {
  rows: Row[];
  total: number;
}

export interface PageCacheOptions {
  fetchPage: (position: number, limit: number, signal: AbortSignal) => Promise<FetchedPage>;
  total: number;
  pageRows?: number;
  maxPages?: number;
  maxInFlight?: number;
  /** A page must be wanted this long before it is asked for, so that a dragged thumb does not ask for every page it passes. */
  settleMs?: number;
}

export class PageCache {
  readonly pageRows: number;
  private readonly pages = new Map<number, Row[]>();
  private readonly inFlight = new Map<number, AbortController>();
  private readonly listeners = new Set<() => void>();
  private wanted: number[] = [];
  private timer: ReturnType<typeof setTimeout> | null = null;
  private changes = 0;
  private knownTotal: number;
  private failure: unknown = null;

  constructor(private readonly options: PageCacheOptions) {
    this.pageRows = options.pageRows ?? PAGE_ROWS;
    this.knownTotal = options.total;
  }

  /** Rises with every change; for `useSyncExternalStore`. */
  readonly snapshot = (): number => this.changes;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  get total(): number {
    return this.knownTotal;
  }

  /** Why the pages on screen could not be read; null while there is no failure. */
  get error(): unknown {
    return this.failure;
  }

  row(index: number): Row | undefined {
    const number = Math.floor(index / this.pageRows);
    return this.pages.get(number)?.[index - number * this.pageRows];
  }

  /** Says which rows are on screen. Their pages are fetched, nearest first; the rest in flight is aborted. */
  want(first: number, last: number): void {
    if (this.knownTotal === 0) return;
    const from = Math.max(0, Math.floor(first / this.pageRows));
    const to = Math.min(Math.floor((this.knownTotal - 1) / this.pageRows), Math.floor(last / this.pageRows));
    const next: number[] = [];
    for (let page = from; page <= to; page += 1) next.push(page);
    const same = next.length === this.wanted.length && next.every((page, i) => page === this.wanted[i]);
    this.wanted = next;
    for (const page of next) this.touch(page);
    if (same) return;
    for (const [page, controller] of this.inFlight) {
      if (!next.includes(page)) controller.abort();
    }
    if (this.timer !== null) clearTimeout(this.timer);
    const missing = next.some((page) => !this.pages.has(page));
    // The very first page comes at once; later ones wait until the scrolling settles.
    const wait = this.pages.size === 0 && this.inFlight.size === 0 ? 0 : (this.options.settleMs ?? 60);
    this.timer = missing ? setTimeout(() => this.pump(), wait) : null;
  }

  /** Rows [first, last], fetched where they are missing. */
  async load(first: number, last: number, signal: AbortSignal): Promise<Row[]> {
    const rows: Row[] = [];
    for (let at = first; at <= last; ) {
      const number = Math.floor(at / this.pageRows);
      const base = number * this.pageRows;
      const page = this.pages.get(number) ?? (await this.options.fetchPage(base, this.pageRows, signal)).rows;
      const part = page.slice(at - base, last + 1 - base);
      if (part.length === 0) break;
      rows.push(...part);
      at += part.length;
    }
    return rows;
  }

  retry(): void {
    this.failure = null;
    this.changed();
    this.pump();
  }

  dispose(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    for (const controller of this.inFlight.values()) controller.abort();
    this.wanted = [];
    this.listeners.clear();
  }

  private pump(): void {
    this.timer = null;
    for (const page of this.wanted) {
      if (this.inFlight.size >= (this.options.maxInFlight ?? 4)) return;
      if (!this.pages.has(page) && !this.inFlight.has(page)) void this.fetch(page);
    }
  }

  private async fetch(page: number): Promise<void> {
    const controller = new AbortController();
    this.inFlight.set(page, controller);
    try {
      const got = await this.options.fetchPage(page * this.pageRows, this.pageRows, controller.signal);
      this.pages.set(page, got.rows);
      this.knownTotal = got.total;
      this.failure = null;
      this.evict();
    } catch (error) {
      if (!controller.signal.aborted) this.failure = error;
    } finally {
      this.inFlight.delete(page);
      this.changed();
    }
    if (this.failure === null) this.pump();
  }

  /** Moves a page to the young end of the map, which keeps insertion order. */
  private touch(page: number): void {
    const rows = this.pages.get(page);
    if (!rows) return;
    this.pages.delete(page);
    this.pages.set(page, rows);
  }

  private evict(): void {
    for (const page of this.pages.keys()) {
      if (this.pages.size <= (this.options.maxPages ?? 100)) return;
      if (!this.wanted.includes(page)) this.pages.delete(page);
    }
  }

  private changed(): void {
    this.changes += 1;
    for (const listener of this.listeners) listener();
  }
}
