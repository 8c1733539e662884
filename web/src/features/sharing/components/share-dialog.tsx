import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { Button } from '@/components/button';
import { Dialog, DialogBody, DialogFoot } from '@/components/dialog';
import { Failed, ProblemNotice, Skeleton } from '@/components/states';
import { meQuery } from '@/features/session/api';
import type { Dataset, Me, Role } from '@/lib/api/types';

import { deleteGrant, grantsQuery, putGrant } from '../api';
import { AddPerson } from './add-person';
import { GrantItem } from './grant-item';

interface Wanted {
  user: Me;
  /** Null takes the role away. */
  role: Role | null;
}

export function ShareDialog({ dataset, onClose }: { dataset: Dataset; onClose: () => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const { data: me } = useQuery(meQuery);
  const grants = useQuery(grantsQuery(dataset.id));
  const [said, setSaid] = useState('');
  const change = useMutation({
    mutationFn: async ({ user, role }: Wanted) => {
      await (role === null ? deleteGrant(dataset.id, user.id) : putGrant(dataset.id, user.id, role));
    },
    onMutate: () => setSaid(''),
    onSuccess: async (_, { user, role }) => {
      if (role === null && user.id === me?.id) {
        onClose();
        await navigate({ to: '/' });
        client.removeQueries({ queryKey: ['dataset', dataset.id] });
      } else {
        setSaid(role === null ? `${user.name} has no access any more.` : `${user.name} is ${role} now.`);
        await client.invalidateQueries({ queryKey: ['dataset', dataset.id] });
      }
      await client.invalidateQueries({ queryKey: ['datasets'] });
    },
  });
  const all = grants.data?.grants ?? [];
  const owner = dataset.role === 'owner';
  const owners = all.filter(({ role }) => role === 'owner').length;
  return (
    <Dialog title={owner ? `Share ${dataset.name}` : `People who have ${dataset.name}`} isOpen onClose={onClose}>
      <DialogBody>
        {owner ? <AddPerson have={new Set(all.map(({ user }) => user.id))} busy={change.isPending} onAdd={(user, role) => change.mutate({ user, role })} /> : null}
        {change.isError ? <ProblemNotice error={change.error} /> : null}
        {grants.isPending ? <Skeleton lines={3} /> : null}
        {grants.isError && all.length === 0 ? <Failed error={grants.error} what="Who has it could not be read" onRetry={() => void grants.refetch()} /> : null}
        {all.length > 0 ? (
          <ul className="grants" aria-label="Who has it">
            {all.map((grant) => (
              <GrantItem
                key={grant.user.id}
                grant={grant}
                isMe={grant.user.id === me?.id}
                mayChange={owner}
                isLastOwner={grant.role === 'owner' && owners === 1}
                busy={change.isPending}
                onRole={(role) => change.mutate({ user: grant.user, role })}
                onRevoke={() => change.mutate({ user: grant.user, role: null })}
              />
            ))}
          </ul>
        ) : null}
        {owner ? null : <p className="small faint">Only an owner may change who has it.</p>}
      </DialogBody>
      <DialogFoot>
        <span className="small faint grow" role="status" style={{ alignSelf: 'center' }}>{said}</span>
        <Button onPress={onClose}>Done</Button>
      </DialogFoot>
    </Dialog>
  );
}
