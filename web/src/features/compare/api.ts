// Comparisons of two versions. Versions never change, so neither does what lies between them.
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';

import { api, unwrap } from '@/lib/api/client';
import type { Diff } from '@/lib/api/types';

const readDiff = (id: string, from: number, to: number, limit: number, cursor: string, signal: AbortSignal): Promise<Diff> =>
  unwrap(api.GET('/api/v1/datasets/{id}/diff', { params: { path: { id }, query: { from, to, limit, ...(cursor ? { cursor } : {}) } }, signal }));

export const diffQuery = (id: string, from: number, to: number) =>
  infiniteQueryOptions({
    queryKey: ['diff', id, from, to],
    queryFn: ({ signal, pageParam }) => readDiff(id, from, to, 200, pageParam, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    staleTime: Infinity,
  });

/** How many rows differ, with none of them. */
export const diffCountsQuery = (id: string, from: number, to: number) =>
  queryOptions({ queryKey: ['diff-counts', id, from, to], queryFn: ({ signal }) => readDiff(id, from, to, 1, '', signal), staleTime: Infinity });
