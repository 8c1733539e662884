import { type KeyboardEvent, useState } from 'react';

interface Walk {
  /** The point under the pointer or the keys. */
  at: number | null;
  /** Whether the keys went there: then it is also read out. */
  byKeys: boolean;
}

const NOWHERE: Walk = { at: null, byKeys: false };
const STEPS: Partial<Record<string, number>> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

/** One point of a chart at a time, by the pointer or by the arrow keys. */
export function useWalk(count: number) {
  const [walk, setWalk] = useState<Walk>(NOWHERE);
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = STEPS[event.key];
    if (event.key === 'Escape' && walk.at !== null) {
      event.stopPropagation();
      setWalk(NOWHERE);
    }
    if (step === undefined || count === 0) return;
    event.preventDefault();
    const from = walk.at ?? (step > 0 ? -1 : count);
    setWalk({ at: Math.max(0, Math.min(count - 1, from + step)), byKeys: true });
  };
  const at = walk.at !== null && walk.at < count ? walk.at : null;
  return {
    at,
    byKeys: walk.byKeys,
    onKeyDown,
    onBlur: () => setWalk(NOWHERE),
    point: (i: number | null) => setWalk((before) => (before.at === i ? before : { at: i, byKeys: false })),
  };
}
