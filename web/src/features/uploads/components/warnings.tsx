import { useInfiniteQuery } from '@tanstack/react-query';

import { Button } from '@/components/button';
import { PlaceItem } from '@/components/place-list';
import { Failed } from '@/components/states';
import { plural } from '@/lib/format';

import { warningsQuery } from '../api';

interface WarningsProps {
  id: string;
  generation: number;
  /** As counted; the places of the first thousand of a kind are kept. */
  total: number;
}

/** What was odd about a file, each with its place. */
export function Warnings({ id, generation, total }: WarningsProps) {
  const warnings = useInfiniteQuery(warningsQuery(id, generation));
  const places = warnings.data?.pages.flatMap((page) => page.places) ?? [];
  if (total === 0 && places.length === 0) return null;
  return (
    <section className="stack">
      <h2>{plural(Math.max(total, places.length), 'warning')}</h2>
      {warnings.isError ? <Failed error={warnings.error} what="The warnings could not be read" onRetry={() => void warnings.refetch()} /> : null}
      {places.length > 0 ? <ol className="card places">{places.map((place, i) => <PlaceItem key={i} place={place} />)}</ol> : null}
      {warnings.hasNextPage ? <Button onPress={() => void warnings.fetchNextPage()}>Show more warnings</Button> : null}
    </section>
  );
}
