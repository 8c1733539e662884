import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { Button } from '@/components/button';
import { Copyable } from '@/components/copyable';
import { ProblemNotice } from '@/components/states';
import type { Hook, HookWithKey } from '@/lib/api/types';
import { exactTime } from '@/lib/format';

import { deleteHook, pauseHook, rotateHook } from '../api';
import { Deliveries } from './deliveries';

interface HookItemProps {
  datasetId: string;
  hook: Hook;
  /** It has a new key, to be shown once. */
  onKey: (made: HookWithKey) => void;
}

type Asked = 'rotate' | 'delete';

const ASK: Record<Asked, { effect: string; verb: string }> = {
  rotate: { effect: 'Makes a new key. The present one is good for another 24 hours.', verb: 'Make a new key' },
  delete: { effect: 'Messages to it are refused from now on. What it has taken stays.', verb: 'Delete' },
};

export function HookItem({ datasetId, hook, onKey }: HookItemProps) {
  const client = useQueryClient();
  const [asked, setAsked] = useState<Asked | null>(null);
  const [open, setOpen] = useState(false);
  const change = useMutation({
    mutationFn: async (what: Asked | 'pause') => {
      if (what === 'pause') await pauseHook(datasetId, hook.id, !hook.paused);
      else if (what === 'delete') await deleteHook(datasetId, hook.id);
      else onKey(await rotateHook(datasetId, hook.id));
    },
    // Of one that is gone there are no messages to be read again, only the list.
    onSuccess: (_done, what) => client.invalidateQueries({ queryKey: ['dataset', datasetId, 'hooks'], exact: what === 'delete' }),
    onSettled: () => setAsked(null),
  });
  return (
    <li className="hook" data-hook={hook.name}>
      <div className="hook-head">
        <span className="name">{hook.name}</span>
        <span className={`badge ${hook.paused ? 'warn' : 'good'}`}>{hook.paused ? 'paused' : 'takes messages'}</span>
        <span className="small faint grow">{hook.mode === 'replace' ? 'replaces the rows' : hook.mode === 'append' ? 'appends' : `${hook.mode} by ${hook.key.join(', ')}`}</span>
        <Button size="tiny" isDisabled={change.isPending} onPress={() => change.mutate('pause')}>{hook.paused ? 'Resume' : 'Pause'}</Button>
        <Button size="tiny" onPress={() => setAsked('rotate')}>New key</Button>
        <Button size="tiny" onPress={() => setAsked('delete')}>Delete</Button>
      </div>
      <Copyable text={hook.url} what={`the address of ${hook.name}`} />
      {hook.former_key_until ? <p className="small faint">Two keys are good until {exactTime(hook.former_key_until)}.</p> : null}
      {asked ? (
        <div className="asks" role="alert">
          <span className="grow">{ASK[asked].effect}</span>
          <Button size="tiny" autoFocus onPress={() => setAsked(null)}>Keep it as it is</Button>
          <Button size="tiny" look={asked === 'delete' ? 'danger' : 'primary'} isDisabled={change.isPending} onPress={() => change.mutate(asked)}>{ASK[asked].verb}</Button>
        </div>
      ) : null}
      {change.isError ? <ProblemNotice error={change.error} /> : null}
      <div>
        <Button size="tiny" look="quiet" aria-expanded={open} onPress={() => setOpen(!open)}>{open ? 'Hide its messages' : 'Show its messages'}</Button>
      </div>
      {open ? <Deliveries datasetId={datasetId} hookId={hook.id} /> : null}
    </li>
  );
}
