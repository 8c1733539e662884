import '../sharing.css';

import { useQuery } from '@tanstack/react-query';
import { Users } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';

import { Button } from '@/components/button';
import { meQuery } from '@/features/session/api';
import type { Dataset } from '@/lib/api/types';

import { grantsQuery } from '../api';
import { initials, sharedWith } from '../people';

const ShareDialog = lazy(() => import('./share-dialog').then((module) => ({ default: module.ShareDialog })));

/** In the dataset's bar: who else has it, and the way to change that. */
export function ShareButton({ dataset }: { dataset: Dataset }) {
  const [open, setOpen] = useState(false);
  const { data: me } = useQuery(meQuery);
  const { data } = useQuery(grantsQuery(dataset.id));
  const others = data?.grants.filter(({ user }) => user.id !== me?.id) ?? [];
  const word = dataset.role === 'owner' ? 'Share' : 'People';
  return (
    <>
      <Button onPress={() => setOpen(true)} aria-label={data ? `${word}. ${sharedWith(data.grants, me?.id)}.` : word}>
        {others.length === 0 ? <Users size={15} aria-hidden /> : null}
        {others.length > 0 ? (
          <span className="avatars" aria-hidden>
            {others.slice(0, 3).map(({ user }) => <span key={user.id} className="avatar small" title={user.name}>{initials(user.name)}</span>)}
          </span>
        ) : null}
        {others.length > 3 ? <span className="small">+{others.length - 3}</span> : null}
        <span className="desk-only">{word}</span>
      </Button>
      {open ? (
        <Suspense>
          <ShareDialog dataset={dataset} onClose={() => setOpen(false)} />
        </Suspense>
      ) : null}
    </>
  );
}
