import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ShieldCheck } from 'lucide-react';

import { Button } from '@/components/button';
import { PlaceItem } from '@/components/place-list';
import { Empty, Failed, Skeleton } from '@/components/states';
import type { Dataset } from '@/lib/api/types';
import { count, plural } from '@/lib/format';

import { quarantineQuery } from '../api';

export function QuarantineTab({ dataset }: { dataset: Dataset }) {
  const quarantine = useInfiniteQuery(quarantineQuery(dataset.id));
  const rows = quarantine.data?.pages.flatMap((page) => page.rows) ?? [];
  const total = quarantine.data?.pages[0]?.total ?? 0;
  return (
    <div className="page">
      {quarantine.isPending ? <Skeleton /> : null}
      {quarantine.isError && rows.length === 0 ? <Failed error={quarantine.error} what="The quarantine could not be read" onRetry={() => void quarantine.refetch()} /> : null}
      {quarantine.data && rows.length === 0 ? (
        <Empty icon={<ShieldCheck size={28} aria-hidden />} title="Nothing in quarantine">
          Every row of every import fitted. A row that does not fit its column is kept here, with its place and the reason.
        </Empty>
      ) : null}
      {rows.length > 0 ? (
        <>
          <p className="small faint">{plural(total, 'row')} did not fit and {total === 1 ? 'is' : 'are'} kept here as {total === 1 ? 'it stands' : 'they stand'} in the file.{rows.length < total ? ` The first ${count(rows.length)} are shown.` : ''}</p>
          <ol className="card places">
            {rows.map((row) => (
              <PlaceItem key={`${row.upload_id}:${row.record}`} place={row}>
                <Link to="/uploads/$id" params={{ id: row.upload_id }} className="small">{row.file_name}</Link>
              </PlaceItem>
            ))}
          </ol>
        </>
      ) : null}
      {quarantine.hasNextPage ? <Button onPress={() => void quarantine.fetchNextPage()} isDisabled={quarantine.isFetchingNextPage}>Show more</Button> : null}
    </div>
  );
}
