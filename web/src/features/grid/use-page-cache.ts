import { useEffect, useMemo, useSyncExternalStore } from 'react';

import { api, unwrap } from '@/lib/api/client';

import { PageCache } from './page-cache';

interface Query {
  dataset: string;
  version: number;
  sort: string | undefined;
  filter: string | undefined;
  total: number;
}

/** The page cache of one (dataset, version, sort, filter). Another query is another cache: pages are never mixed. */
export function usePageCache({ dataset, version, sort, filter, total }: Query): PageCache {
  const cache = useMemo(
    () =>
      new PageCache({
        // Without a filter the version's own count is the total; with one, the first page brings it.
        total: filter === undefined ? total : Math.max(1, total),
        fetchPage: (position, limit, signal) =>
          unwrap(
            api.GET('/api/v1/datasets/{id}/rows', {
              params: {
                path: { id: dataset },
                query: { version, position, limit, ...(sort ? { sort } : {}), ...(filter ? { filter } : {}) },
              },
              signal,
            }),
          ),
      }),
    [dataset, version, sort, filter, total],
  );
  useEffect(() => () => cache.dispose(), [cache]);
  useSyncExternalStore(cache.subscribe, cache.snapshot);
  return cache;
}
