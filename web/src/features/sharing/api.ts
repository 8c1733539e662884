// Who has which role on a dataset. A change is at work on the next request.
import { queryOptions } from '@tanstack/react-query';

import { api, unwrap } from '@/lib/api/client';
import type { Role } from '@/lib/api/types';

export const grantsQuery = (id: string) =>
  queryOptions({
    queryKey: ['dataset', id, 'grants'],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/datasets/{id}/grants', { params: { path: { id } }, signal })),
    staleTime: 30_000,
  });

export const putGrant = (id: string, user: string, role: Role) =>
  unwrap(api.PUT('/api/v1/datasets/{id}/grants/{user_id}', { params: { path: { id, user_id: user } }, body: { role } }));

export const deleteGrant = (id: string, user: string) =>
  unwrap(api.DELETE('/api/v1/datasets/{id}/grants/{user_id}', { params: { path: { id, user_id: user } } }));
