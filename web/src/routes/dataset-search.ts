// What a dataset's address says beside its id: tab, sort, filter, version, row and comparison.

export const TABS = ['grid', 'dashboard', 'history', 'imports', 'quarantine', 'settings'] as const;
export type Tab = (typeof TABS)[number];

export interface DatasetSearch {
  tab?: Tab;
  /** `col_3`, or `-col_3` for descending. */
  sort?: string;
  /** JSON, as the API takes it. */
  filter?: string;
  version?: number;
  row?: number;
  /** Of a comparison, in History: both or none. */
  from?: number;
  to?: number;
}

const isTab = (value: unknown): value is Tab => TABS.some((tab) => tab === value);
const positive = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value > 0;

export function readDatasetSearch(search: Record<string, unknown>): DatasetSearch {
  const { tab, sort, filter, version, row, from, to } = search;
  const filterText = typeof filter === 'string' ? filter : typeof filter === 'object' && filter !== null ? JSON.stringify(filter) : undefined;
  return {
    ...(isTab(tab) && tab !== 'grid' ? { tab } : {}),
    ...(typeof sort === 'string' && sort !== '' ? { sort } : {}),
    ...(filterText ? { filter: filterText } : {}),
    ...(positive(version) ? { version } : {}),
    ...(positive(row) ? { row } : {}),
    ...(positive(from) && positive(to) ? { from, to } : {}),
  };
}

export interface Equal {
  column: string;
  op: 'eq';
  value: string | number | boolean;
}

const isEqual = (value: unknown): value is Equal => typeof value === 'object' && value !== null && 'column' in value && 'value' in value && 'op' in value && value.op === 'eq';

/** The equalities of a filter made here; others are left to the API as they are. */
export function readEquals(filter: string | undefined): Equal[] {
  if (filter === undefined) return [];
  try {
    const parsed: unknown = JSON.parse(filter);
    const all: unknown = typeof parsed === 'object' && parsed !== null && 'and' in parsed ? parsed.and : [];
    return Array.isArray(all) ? all.filter(isEqual) : [];
  } catch {
    return [];
  }
}

export const writeEquals = (equals: readonly Equal[]): string | undefined => (equals.length === 0 ? undefined : JSON.stringify({ and: equals }));
