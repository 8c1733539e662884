import { PlaceItem } from '@/components/place-list';
import type { Preview } from '@/lib/api/types';
import { count } from '@/lib/format';

import { firstShown } from '../words';

interface SetAsideProps {
  places: Preview['quarantined'];
  /** Null until all is read. */
  total: number | null;
}

/** Records that would go to the quarantine: where each stands, and why. */
export function SetAside({ places, total }: SetAsideProps) {
  if (places.length === 0) return null;
  return (
    <section className="stack" aria-labelledby="set-aside">
      <h2 id="set-aside">Set aside{total === null ? '' : `: ${count(total)}`}</h2>
      <p className="small faint">They go to the quarantine, where they can be mended and imported later. Nothing of the file is lost.</p>
      <ol className="card places">{places.map((place, i) => <PlaceItem key={i} place={place} />)}</ol>
      {total !== null && places.length < total ? <p className="small faint">{firstShown(places.length)}</p> : null}
    </section>
  );
}
