import { useQuery } from '@tanstack/react-query';
import { ChevronDown, ChevronUp, X } from 'lucide-react';
import { useEffect, useState } from 'react';

import { IconButton } from '@/components/button';
import { api, unwrap } from '@/lib/api/client';
import { count, plural } from '@/lib/format';
import { useNarrow } from '@/lib/use-narrow';

import { dismiss, isUnderway, restore, stage } from '../upload-store';
import { useTracked } from '../use-tracked';
import { UploadCard } from './upload-card';
import './uploads.css';

/** One card per file on its way, over every page; `hidden` is told of by the page itself. */
export function Dock({ hidden }: { hidden: string | null }) {
  const tracked = useTracked();
  const items = tracked.filter((item) => item.key !== hidden);
  // A phone has no room to spare: there it unfolds only for who asks.
  const narrow = useNarrow();
  const [choice, setChoice] = useState<{ narrow: boolean; folded: boolean } | null>(null);
  const folded = choice?.narrow === narrow ? choice.folded : narrow;
  const known = useQuery({
    queryKey: ['uploads', 'dock'],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/uploads', { params: { query: { limit: 20 } }, signal })),
    staleTime: Infinity,
  });
  useEffect(() => {
    if (known.data) restore(known.data.uploads);
  }, [known.data]);
  if (items.length === 0) return null;
  const waiting = items.filter((item) => stage(item) === 'confirming');
  const underway = items.filter((item) => isUnderway(item) && !waiting.includes(item));
  const finished = items.length - underway.length - waiting.length;
  const told = [
    ...(underway.length > 0 ? [`${plural(underway.length, 'file')} on the way`] : []),
    ...(waiting.length > 0 ? [`${count(waiting.length)} waiting for you`] : []),
    ...(finished > 0 ? [`${count(finished)} finished`] : []),
  ];
  return (
    <section className="dock" aria-label="Uploads on their way">
      <div className="dock-head">
        <span className="grow">{finished === items.length ? `${plural(finished, 'upload')} finished` : told.join(', ')}</span>
        <IconButton label={folded ? 'Unfold uploads' : 'Fold uploads'} tiny onPress={() => setChoice({ narrow, folded: !folded })}>
          {folded ? <ChevronUp size={15} aria-hidden /> : <ChevronDown size={15} aria-hidden />}
        </IconButton>
        {underway.length === 0 ? (
          <IconButton label="Put all away" tiny onPress={() => items.forEach((item) => dismiss(item.key))}>
            <X size={15} aria-hidden />
          </IconButton>
        ) : null}
      </div>
      {folded ? null : (
        <ul className="dock-list">
          {items.map((item) => (
            <UploadCard key={item.key} item={item} />
          ))}
        </ul>
      )}
    </section>
  );
}
