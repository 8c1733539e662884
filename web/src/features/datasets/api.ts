// Datasets and their versions, as queries. Rows are not here: the grid's page cache reads them.
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';

import { api, unwrap } from '@/lib/api/client';
import type { Dataset, NewColumn, Rules, VersionInfo } from '@/lib/api/types';

async function listAll(signal: AbortSignal): Promise<Dataset[]> {
  const datasets: Dataset[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await unwrap(api.GET('/api/v1/datasets', { params: { query: { limit: 200, ...(cursor ? { cursor } : {}) } }, signal }));
    datasets.push(...page.datasets);
    cursor = page.next;
  } while (cursor);
  return datasets;
}

export const datasetsQuery = queryOptions({ queryKey: ['datasets'], queryFn: ({ signal }) => listAll(signal), staleTime: 10_000 });

export const datasetQuery = (id: string) =>
  queryOptions({
    queryKey: ['dataset', id],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/datasets/{id}', { params: { path: { id } }, signal })),
    staleTime: 5_000,
  });

const pages = { initialPageParam: '', getNextPageParam: (page: { next?: string | null }) => page.next ?? undefined };
const cursorOf = (cursor: string) => (cursor ? { cursor } : {});

export const versionsQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['dataset', id, 'versions'],
    queryFn: ({ signal, pageParam }) =>
      unwrap(api.GET('/api/v1/datasets/{id}/versions', { params: { path: { id }, query: { limit: 50, ...cursorOf(pageParam) } }, signal })),
    ...pages,
  });

async function findVersion(id: string, version: number, signal: AbortSignal): Promise<VersionInfo | null> {
  let cursor = '';
  do {
    const page = await unwrap(
      api.GET('/api/v1/datasets/{id}/versions', { params: { path: { id }, query: { limit: 200, ...cursorOf(cursor) } }, signal }),
    );
    const found = page.versions.find((info) => info.version === version);
    if (found) return found;
    cursor = page.next ?? '';
  } while (cursor);
  return null;
}

/** Who made a version and when. The API lists versions only, so an old one is looked for; what it is never changes. */
export const versionQuery = (id: string, version: number) =>
  queryOptions({ queryKey: ['version', id, version], queryFn: ({ signal }) => findVersion(id, version, signal), staleTime: (query) => (query.state.data ? Infinity : 0) });

/** The version that holds the content now, and whether it was made for that: a head that is equal already stays the head. */
export async function restoreVersion(id: string, version: number, message: string): Promise<{ version: number; made: boolean }> {
  const answer = api.POST('/api/v1/datasets/{id}/restore', { params: { path: { id } }, body: { version, message } });
  const committed = await unwrap(answer);
  return { version: committed.version, made: (await answer).response.status === 201 };
}

export const createDataset = (name: string, columns: NewColumn[]) => unwrap(api.POST('/api/v1/datasets', { body: { name, columns } }));

export const renameDataset = (id: string, name: string) =>
  unwrap(api.PATCH('/api/v1/datasets/{id}', { params: { path: { id } }, body: { name } }));

/** Rules by column id; columns that are not named keep theirs. */
export const setRules = (id: string, rules: Record<string, Rules>) => unwrap(api.PATCH('/api/v1/datasets/{id}', { params: { path: { id } }, body: { rules } }));

export const deleteDataset = (id: string) => unwrap(api.DELETE('/api/v1/datasets/{id}', { params: { path: { id } } }));

/** What a version that is not the head looks like: its own columns and its number of rows. */
export const snapshotQuery = (id: string, version: number) =>
  queryOptions({
    queryKey: ['snapshot', id, version],
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/v1/datasets/{id}/rows', { params: { path: { id }, query: { version, limit: 1 } }, signal })),
    staleTime: Infinity,
  });
