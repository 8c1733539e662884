// The quarantine of a dataset, as queries and requests.
import { infiniteQueryOptions, keepPreviousData } from '@tanstack/react-query';

import { api, unwrap } from '@/lib/api/client';
import type { QuarantineState, Resubmission } from '@/lib/api/types';

export interface RecordFilter {
  state: QuarantineState;
  code: string | undefined;
  upload: string | undefined;
}

const queryOf = ({ state, code, upload }: RecordFilter) => ({ state, ...(code ? { code } : {}), ...(upload ? { upload } : {}) });

export const quarantineQuery = (id: string, filter: RecordFilter) =>
  infiniteQueryOptions({
    queryKey: ['dataset', id, 'quarantine', filter],
    queryFn: ({ signal, pageParam }) => {
      const query = { limit: 50, ...queryOf(filter), ...(pageParam ? { cursor: pageParam } : {}) };
      return unwrap(api.GET('/api/v1/datasets/{id}/quarantine', { params: { path: { id }, query }, signal }));
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });

export const resubmit = (id: string, key: string, body: Resubmission) =>
  unwrap(api.POST('/api/v1/datasets/{id}/quarantine/resubmit', { params: { path: { id }, header: { 'Idempotency-Key': key } }, body }));

export const discard = (id: string, ids: string[]) => unwrap(api.POST('/api/v1/datasets/{id}/quarantine/discard', { params: { path: { id } }, body: { ids } }));

export const reopen = (id: string, ids: string[]) => unwrap(api.POST('/api/v1/datasets/{id}/quarantine/reopen', { params: { path: { id } }, body: { ids } }));

export const downloadUrl = (id: string, filter: RecordFilter): string => `/api/v1/datasets/${id}/quarantine/download?${new URLSearchParams({ format: 'csv', ...queryOf(filter) }).toString()}`;
