// An upload that waits for its user: what the server has of it, and what somebody does with it. One change goes after the other, each
// upon what the one before made of the options.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { uploadQuery } from '@/features/uploads/api';
import { isOver } from '@/features/uploads/upload-state';
import { cancel as cancelSending, follow } from '@/features/uploads/upload-store';
import { codeOf } from '@/lib/api/problem';
import type { ChangeUpload, Upload } from '@/lib/api/types';

import { changeUpload, confirmUpload, previewQuery } from './api';

/** Somebody else may change it in another window; before it waits it moves by itself. */
function pollEvery(upload: Upload | undefined, confirmed: boolean): number | false {
  if (!upload) return 1000;
  if (isOver(upload)) return false;
  if (confirmed) return 400;
  return upload.state === 'awaiting_confirmation' ? 4000 : 700;
}

export function usePreview(id: string) {
  const client = useQueryClient();
  const [confirmed, setConfirmed] = useState(false);
  const query = useQuery({ ...uploadQuery(id), refetchInterval: ({ state }) => pollEvery(state.data, confirmed) });
  const upload = query.data;
  // What was read last stays in sight while the file is read again, or when it cannot be read that way.
  const [read, setRead] = useState<Upload | null>(null);
  if (upload?.plan && upload.plan !== read?.plan) setRead(upload);

  const isRead = upload?.plan != null && !upload.problem;
  const settled = upload?.state === 'awaiting_confirmation';
  const preview = useQuery({
    ...previewQuery(id, upload?.generation ?? 0, settled),
    enabled: isRead && !isOver(upload),
    placeholderData: keepPreviousData,
  });

  const learn = (next: Upload): void => {
    client.setQueryData(uploadQuery(id).queryKey, next);
    follow(next);
  };
  const [moved, setMoved] = useState(false);
  const scope = { id: `preview-${id}` };
  const change = useMutation({
    scope,
    mutationFn: (of: (upload: Upload) => ChangeUpload) => {
      const now = client.getQueryData(uploadQuery(id).queryKey);
      if (!now) throw new Error('The upload is not known yet.');
      return changeUpload(id, of(now));
    },
    onMutate: () => setMoved(false),
    onSuccess: learn,
  });
  const confirm = useMutation({
    scope,
    mutationFn: (generation: number) => confirmUpload(id, generation),
    onMutate: () => setMoved(false),
    onSuccess: (next) => {
      setConfirmed(true);
      learn(next);
    },
    onError: async (error, generation) => {
      if (codeOf(error) !== 'conflict') return;
      const newest = await query.refetch();
      setMoved(newest.data !== undefined && newest.data.generation !== generation);
    },
  });
  const cancel = useMutation({
    scope,
    mutationFn: () => cancelSending(id),
    onSettled: () => query.refetch(),
  });

  return {
    query,
    upload,
    /** The upload as it was when a plan was there last. */
    read,
    preview,
    /** Whether what is shown is not of the newest generation, or not all of it yet. */
    isReading: change.isPending || (upload !== undefined && !isOver(upload) && !settled) || (isRead && preview.isPlaceholderData),
    settled,
    confirmed,
    /** It was changed elsewhere while it was looked at here. */
    moved,
    change,
    confirm,
    cancel,
  };
}

export type PreviewState = ReturnType<typeof usePreview>;
