// The other ways in: a dataset's drop folder and its hooks.
import { queryOptions } from '@tanstack/react-query';

import { api, unwrap } from '@/lib/api/client';
import type { CreateHook } from '@/lib/api/types';

export const dropFolderQuery = (id: string) =>
  queryOptions({
    queryKey: ['dataset', id, 'drop-folder'],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/datasets/{id}/drop-folder', { params: { path: { id } }, signal })),
    staleTime: Infinity,
  });

export const hooksQuery = (id: string) =>
  queryOptions({
    queryKey: ['dataset', id, 'hooks'],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/datasets/{id}/hooks', { params: { path: { id } }, signal })),
  });

const one = (id: string, hook_id: string) => ({ params: { path: { id, hook_id } } });

/** The newest ones. */
export const deliveriesQuery = (id: string, hookId: string) =>
  queryOptions({
    queryKey: ['dataset', id, 'hooks', hookId, 'deliveries'],
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/v1/datasets/{id}/hooks/{hook_id}/deliveries', { params: { path: { id, hook_id: hookId }, query: { limit: 20 } }, signal })),
  });

export const createHook = (id: string, body: CreateHook) => unwrap(api.POST('/api/v1/datasets/{id}/hooks', { params: { path: { id } }, body }));

export const pauseHook = (id: string, hookId: string, paused: boolean) =>
  unwrap(api.PATCH('/api/v1/datasets/{id}/hooks/{hook_id}', { ...one(id, hookId), body: { paused } }));

export const rotateHook = (id: string, hookId: string) => unwrap(api.POST('/api/v1/datasets/{id}/hooks/{hook_id}/rotate', one(id, hookId)));

export const deleteHook = (id: string, hookId: string) => unwrap(api.DELETE('/api/v1/datasets/{id}/hooks/{hook_id}', one(id, hookId)));
