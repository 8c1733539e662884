import { useInfiniteQuery } from '@tanstack/react-query';
import { UserPlus } from 'lucide-react';
import { useDeferredValue, useState } from 'react';
import { Input, ListBox, ListBoxItem, SearchField } from 'react-aria-components';

import { Button } from '@/components/button';
import { Select } from '@/components/select';
import { usersQuery } from '@/features/users/api';
import type { Me, Role } from '@/lib/api/types';

import { ROLES } from '../roles';

interface AddPersonProps {
  /** Ids of those who have it already. */
  have: ReadonlySet<string>;
  busy: boolean;
  onAdd: (user: Me, role: Role) => void;
}

export function AddPerson({ have, busy, onAdd }: AddPersonProps) {
  const [search, setSearch] = useState('');
  const [chosen, setChosen] = useState<Me | null>(null);
  const [role, setRole] = useState<Role>('viewer');
  const q = useDeferredValue(search.trim());
  const users = useInfiniteQuery(usersQuery(q));
  const found = (users.data?.pages.flatMap((page) => page.users) ?? []).filter((user) => !have.has(user.id));
  const add = (): void => {
    if (!chosen) return;
    onAdd(chosen, role);
    setChosen(null);
    setSearch('');
  };
  return (
    <div className="stack" style={{ gap: 8 }}>
      <span className="field-label">Add a person</span>
      <div className="people">
        <SearchField aria-label="Search people" value={search} onChange={setSearch} autoFocus>
          <Input className="input" placeholder="Search by name or address" />
        </SearchField>
        <ListBox
          className="people-list"
          aria-label="People"
          selectionMode="single"
          selectedKeys={chosen ? [chosen.id] : []}
          onSelectionChange={(keys) => {
            const [key] = keys === 'all' ? [] : [...keys];
            setChosen(found.find((user) => user.id === key) ?? null);
          }}
          items={found}
          renderEmptyState={() => <div className="people-empty">{users.isPending ? 'Searching …' : q === '' ? 'Everybody has it already. People are listed once they have signed in.' : 'Nobody else has this name or address. People are listed once they have signed in.'}</div>}
        >
          {(user) => (
            <ListBoxItem id={user.id} textValue={`${user.name}, ${user.email}`} className="menu-item">
              <span className="cut grow">{user.name}</span>
              <span className="small faint cut">{user.email}</span>
            </ListBoxItem>
          )}
        </ListBox>
      </div>
      <div className="share-with">
        <span className="small faint grow">{chosen ? `${chosen.name} can open it from the next request on.` : 'Choose who is to have it.'}</span>
        <Select label="Role" quietLabel options={ROLES} value={role} onChange={setRole} />
        <Button look="primary" isDisabled={!chosen || busy} onPress={add}>
          <UserPlus size={15} aria-hidden /> Share
        </Button>
      </div>
    </div>
  );
}
