import type { ReactNode } from 'react';

import type { Place } from '@/lib/api/types';
import { count } from '@/lib/format';

/** Where in the file something is, why, and what stands there. */
export function PlaceItem({ place, children }: { place: Place; children?: ReactNode }) {
  return (
    <li className="place">
      <div className="row" style={{ flexWrap: 'wrap' }}>
        <span className="badge warn mono">{place.code}</span>
        <span className="small faint">
          line {count(place.line)} · record {count(place.record)}
          {place.column ? ` · column ${place.column}` : ''} · byte {count(place.byte)}
        </span>
        {children}
      </div>
      <span>{place.message}</span>
      {place.raw ? <pre className="raw" tabIndex={0} aria-label="As it stands in the file">{place.raw}</pre> : null}
    </li>
  );
}
