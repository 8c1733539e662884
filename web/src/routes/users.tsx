import { useInfiniteQuery } from '@tanstack/react-query';
import { Users } from 'lucide-react';
import { useDeferredValue, useState } from 'react';
import { Input, SearchField } from 'react-aria-components';

import { Button } from '@/components/button';
import { Empty, Failed, Skeleton } from '@/components/states';
import { usersQuery } from '@/features/users/api';

export function UsersPage() {
  const [search, setSearch] = useState('');
  const q = useDeferredValue(search.trim());
  const users = useInfiniteQuery(usersQuery(q));
  const all = users.data?.pages.flatMap((page) => page.users) ?? [];
  return (
    <div className="page">
      <div className="page-head"><h1>Users</h1></div>
      <SearchField aria-label="Search users" value={search} onChange={setSearch} style={{ width: 280, maxWidth: '100%' }}>
        <Input className="input" placeholder="Search by name or address" />
      </SearchField>
      {users.isPending ? <Skeleton /> : null}
      {users.isError && all.length === 0 ? <Failed error={users.error} what="The users could not be read" onRetry={() => void users.refetch()} /> : null}
      {users.data && all.length === 0 ? (
        <Empty icon={<Users size={28} aria-hidden />} title="Nobody has this name" actions={<Button onPress={() => setSearch('')}>Clear the search</Button>}>People are listed once they have signed in.</Empty>
      ) : null}
      {all.length > 0 ? (
        <div className="card" style={{ overflow: 'hidden' }}>
          <table className="list-table folds">
            <thead><tr><th scope="col">Name</th><th scope="col">Address</th></tr></thead>
            <tbody>{all.map((user) => <tr key={user.id}><td><b style={{ fontWeight: 600 }}>{user.name}</b></td><td>{user.email}</td></tr>)}</tbody>
          </table>
        </div>
      ) : null}
      {users.hasNextPage ? <Button onPress={() => void users.fetchNextPage()}>Show more</Button> : null}
    </div>
  );
}
