import { UserMinus } from 'lucide-react';
import { useState } from 'react';

import { Button, IconButton } from '@/components/button';
import { Select } from '@/components/select';
import type { DatasetGrant, Role } from '@/lib/api/types';

import { initials } from '../people';
import { ROLES } from '../roles';

interface GrantItemProps {
  grant: DatasetGrant;
  isMe: boolean;
  /** Owners may change roles, but the last owner stays one. */
  mayChange: boolean;
  isLastOwner: boolean;
  busy: boolean;
  onRole: (role: Role) => void;
  onRevoke: () => void;
}

export function GrantItem({ grant, isMe, mayChange, isLastOwner, busy, onRole, onRevoke }: GrantItemProps) {
  const [asking, setAsking] = useState(false);
  const { user, role } = grant;
  return (
    <li className="grant" data-user={user.email}>
      <span className="avatar" aria-hidden>{initials(user.name)}</span>
      <span className="who">
        <span className="cut" title={user.name}>{user.name}{isMe ? ' (you)' : ''}</span>
        <span className="small faint cut" title={user.email}>{user.email}</span>
      </span>
      {mayChange && !isLastOwner ? (
        <>
          <Select label={`Role of ${user.name}`} quietLabel options={ROLES} value={role} onChange={onRole} isDisabled={busy} />
          <IconButton label={`Revoke ${user.name}’s role`} isDisabled={busy} onPress={() => setAsking(true)}>
            <UserMinus size={15} aria-hidden />
          </IconButton>
        </>
      ) : (
        <span className="badge" title={isLastOwner && mayChange ? 'A dataset keeps at least one owner.' : undefined}>{role}</span>
      )}
      {asking ? (
        <div className="asks" role="alert">
          <span className="grow">
            {isMe ? 'You lose the dataset at once, and only another owner can share it with you again.' : `${user.name} loses access at once. What ${user.name} changed stays.`}
          </span>
          <Button size="tiny" autoFocus onPress={() => setAsking(false)}>Keep</Button>
          <Button
            size="tiny"
            look="danger"
            isDisabled={busy}
            onPress={() => {
              setAsking(false);
              onRevoke();
            }}
          >
            Revoke
          </Button>
        </div>
      ) : null}
    </li>
  );
}
