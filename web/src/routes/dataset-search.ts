// What a dataset's address says beside its id: tab, sort, filter, version, row, comparison and what of the quarantine is shown.

export const TABS = ['grid', 'dashboard', 'history', 'imports', 'quarantine', 'settings'] as const;
export type Tab = (typeof TABS)[number];

export interface DatasetSearch {
  tab?: Tab;
  /** `col_3`, `-col_3` for descending, several with commas between. */
  sort?: string;
  /** JSON, as the API takes it. */
  filter?: string;
  version?: number;
  row?: number;
  /** Of a comparison, in History: both or none. */
  from?: number;
  to?: number;
  /** In Quarantine: the records' state (open when left out), reason and file. */
  records?: 'resubmitted' | 'discarded';
  reason?: string;
  file?: string;
}

const isTab = (value: unknown): value is Tab => TABS.some((tab) => tab === value);
const positive = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value > 0;

export function readDatasetSearch(search: Record<string, unknown>): DatasetSearch {
  const { tab, sort, filter, version, row, from, to, records, reason, file } = search;
  const filterText = typeof filter === 'string' ? filter : typeof filter === 'object' && filter !== null ? JSON.stringify(filter) : undefined;
  return {
    ...(isTab(tab) && tab !== 'grid' ? { tab } : {}),
    ...(typeof sort === 'string' && sort !== '' ? { sort } : {}),
    ...(filterText ? { filter: filterText } : {}),
    ...(positive(version) ? { version } : {}),
    ...(positive(row) ? { row } : {}),
    ...(positive(from) && positive(to) ? { from, to } : {}),
    ...(records === 'resubmitted' || records === 'discarded' ? { records } : {}),
    ...(typeof reason === 'string' && reason !== '' ? { reason } : {}),
    ...(typeof file === 'string' && file !== '' ? { file } : {}),
  };
}
