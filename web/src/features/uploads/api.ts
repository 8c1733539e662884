import { infiniteQueryOptions, queryOptions, replaceEqualDeep } from '@tanstack/react-query';

import { api, unwrap } from '@/lib/api/client';
import type { CreateUpload, SentPart, Upload } from '@/lib/api/types';

export const createUpload = (body: CreateUpload) => unwrap(api.POST('/api/v1/uploads', { body }));

export const showUpload = (id: string, signal?: AbortSignal) =>
  unwrap(api.GET('/api/v1/uploads/{id}', { params: { path: { id } }, ...(signal ? { signal } : {}) }));

/** The parts of a file on its way: which are there, and links for the others. */
export const listParts = (id: string) => unwrap(api.GET('/api/v1/uploads/{id}/parts', { params: { path: { id } } }));

export const completeUpload = (id: string, parts: SentPart[]) =>
  unwrap(api.POST('/api/v1/uploads/{id}/complete', { params: { path: { id } }, body: { parts } }));

export const cancelUpload = (id: string) => unwrap(api.DELETE('/api/v1/uploads/{id}', { params: { path: { id } } }));

export const uploadsQuery = infiniteQueryOptions({
  queryKey: ['uploads'],
  queryFn: ({ signal, pageParam }) =>
    unwrap(api.GET('/api/v1/uploads', { params: { query: { limit: 50, ...(pageParam ? { cursor: pageParam } : {}) } }, signal })),
  initialPageParam: '',
  getNextPageParam: (page) => page.next ?? undefined,
});

/** A generation never comes back: an answer of a former one was on its way for too long. */
export const newest = (before: Upload | undefined, after: Upload): Upload => (before && before.generation > after.generation ? before : replaceEqualDeep(before, after));

export const uploadQuery = (id: string) =>
  queryOptions({ queryKey: ['upload', id], queryFn: ({ signal }) => showUpload(id, signal), structuralSharing: (before, after) => newest(before as Upload | undefined, after as Upload) });

/** Of this generation's plan. */
export const warningsQuery = (id: string, generation: number) =>
  infiniteQueryOptions({
    queryKey: ['upload', id, 'warnings', generation],
    queryFn: ({ signal, pageParam }) =>
      unwrap(api.GET('/api/v1/uploads/{id}/warnings', { params: { path: { id }, query: pageParam ? { cursor: pageParam } : {} }, signal })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  });
