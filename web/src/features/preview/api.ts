import { queryOptions } from '@tanstack/react-query';

import { api, unwrap } from '@/lib/api/client';
import type { ChangeUpload, Upload } from '@/lib/api/types';

/** `settled`: all is written, so that the counts are there and nothing changes any more. */
export const previewQuery = (id: string, generation: number, settled: boolean) =>
  queryOptions({
    queryKey: ['preview', id, generation, settled],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/uploads/{id}/preview', { params: { path: { id } }, signal })),
    staleTime: settled ? Infinity : 0,
  });

/** Reads the file anew in another way; what is left out stays as it was. */
export const changeUpload = (id: string, change: ChangeUpload): Promise<Upload> => unwrap(api.PATCH('/api/v1/uploads/{id}', { params: { path: { id } }, body: change }));

export const confirmUpload = (id: string, generation: number): Promise<Upload> =>
  unwrap(api.POST('/api/v1/uploads/{id}/confirm', { params: { path: { id } }, body: { generation } }));
