// An upload that waits for its user: what the server has of it, and what somebody does with it. One change goes after the other, each
// upon what the one before made of the options.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { uploadQuery } from '@/features/uploads/api';
import { type Into, needsKey } from '@/features/uploads/into';
import { isOver } from '@/features/uploads/upload-state';
import { cancel as cancelSending, follow } from '@/features/uploads/upload-store';
import { codeOf } from '@/lib/api/problem';
import type { ChangeUpload, Upload } from '@/lib/api/types';

import { changeUpload, confirmUpload, previewQuery } from './api';
import { keepsColumns } from './columns';
import { lostOf, type Reading, type Said, withReading, withSaid } from './options';

/** Somebody else may change it in another window; before it waits it moves by itself. */
function pollEvery(upload: Upload | undefined): number | false {
  if (!upload) return 1000;
  if (isOver(upload)) return false;
  if (upload.confirmed) return 400;
  return upload.state === 'awaiting_confirmation' ? 4000 : 700;
}

/** What happens to the rows that are there, and by which columns a row is found again. */
export interface Way {
  mode: Into;
  key: string[];
}

interface Change {
  of: (upload: Upload) => ChangeUpload;
  /** What it is to come to, where that is shown before it is answered. */
  way?: Way;
  /** The columns may have other names afterwards. */
  renames?: boolean;
}

export function usePreview(id: string) {
  const client = useQueryClient();
  const { queryKey } = uploadQuery(id);
  const query = useQuery({ ...uploadQuery(id), refetchInterval: ({ state }) => pollEvery(state.data) });
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

  /** An answer that is on its way would bring back what was before. */
  const hush = () => client.cancelQueries({ queryKey, exact: true });
  const learn = async (next: Upload): Promise<void> => {
    await hush();
    client.setQueryData(queryKey, next);
    follow(next);
  };
  /** What was refused because somebody else had changed the upload meanwhile. */
  const [moved, setMoved] = useState<'change' | 'import' | null>(null);
  const look = async (what: 'change' | 'import', error: unknown, generation: number | undefined): Promise<void> => {
    if (codeOf(error) !== 'conflict') return;
    const newest = await query.refetch();
    if (newest.data && newest.data.generation !== generation) setMoved(what);
  };
  const begin = (): Promise<void> => {
    setMoved(null);
    return hush();
  };

  // Shown while it is on its way, and while it lacks its key: until then nothing of it is sent.
  const [way, setWay] = useState<Way | null>(null);
  const isKeyless = way !== null && needsKey(way.mode) && way.key.length === 0;
  const [lost, setLost] = useState<Said | null>(null);

  const scope = { id: `preview-${id}` };
  const change = useMutation({
    scope,
    mutationFn: async ({ of, renames }: Change) => {
      const now = client.getQueryData(queryKey);
      if (!now) throw new Error('The upload is not known yet.');
      try {
        const next = await changeUpload(id, { generation: now.generation, ...of(now) });
        if (renames) setLost((before) => lostOf(before, now.options, next.options));
        return next;
      } catch (error) {
        await look('change', error, now.generation);
        throw error;
      }
    },
    onMutate: begin,
    onSuccess: learn,
    onSettled: (_, __, { way: sent }) => setWay((now) => (now === sent ? null : now)),
  });
  const confirm = useMutation({
    scope,
    mutationFn: (generation: number) => confirmUpload(id, generation),
    onMutate: begin,
    onSuccess: learn,
    onError: (error, generation) => look('import', error, generation),
  });
  const cancel = useMutation({
    scope,
    mutationFn: () => cancelSending(id),
    onSettled: () => query.refetch(),
  });

  const confirmed = upload !== undefined && upload.confirmed && !isOver(upload);
  // Also where a first preview is on its way, or the former one stands in for it.
  const isReading = change.isPending || (upload !== undefined && !isOver(upload) && !settled) || (isRead && (preview.isPlaceholderData || preview.isPending));
  const isShown = isRead && preview.data?.generation === upload.generation;

  return {
    query,
    upload,
    /** The upload as it was when a plan was there last. */
    read,
    preview,
    /** Whether what is shown is not of the newest generation, or not all of it yet. */
    isReading,
    settled,
    /** Somebody said yes to it, here or elsewhere. */
    confirmed,
    isLocked: confirm.isPending || confirmed || cancel.isPending,
    /** Nothing is imported but what is chosen and shown. */
    canImport: isShown && !isKeyless && !change.isPending && !(settled && isReading),
    /** It was changed elsewhere while it was looked at here. */
    moved,
    way,
    isKeyless,
    choose: (next: Way, isSame: boolean): void => {
      const { mode, key } = next;
      const isSent = isSame && !change.isPending;
      setWay(isSent ? null : next);
      if (isSent || (needsKey(mode) && key.length === 0)) return;
      // Where the columns do not stay, none of them goes anywhere.
      change.mutate({ of: (now) => ({ mode, key, ...(keepsColumns(mode) ? {} : { options: { ...now.options, mapping: {} } }) }), way: next });
    },
    /** What a new reading of the file took back. */
    lost,
    readAs: (reading: Reading): void => change.mutate({ of: (now) => ({ options: withReading(now.options, reading) }), renames: true }),
    chooseAgain: (said: Said): void => change.mutate({ of: (now) => ({ options: withSaid(now.options, said) }) }, { onSuccess: () => setLost(null) }),
    forgetLost: (): void => setLost(null),
    change,
    confirm,
    cancel,
  };
}

export type PreviewState = ReturnType<typeof usePreview>;
