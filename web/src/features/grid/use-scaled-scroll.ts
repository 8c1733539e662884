// Ties the scroller to the rows by `scroll-scale.ts`: reads where the bar went, and puts it where the keys went.
import { type RefObject, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';

import { follow, scaleOf, toPhysical, toVirtual } from './scroll-scale';

const RESYNC_MS = 160;

export interface ScaledScroll {
  /** Of the first pixel on screen, among all rows. */
  top: number;
  /** Height of the rows' part of the screen. */
  viewport: number;
  physicalHeight: number;
  scrollTo: (virtualTop: number) => void;
}

export function useScaledScroll(scrollerRef: RefObject<HTMLDivElement | null>, virtualHeight: number, headerHeight: number): ScaledScroll {
  const [viewport, setViewport] = useState(600);
  const [top, setTop] = useState(0);
  const scale = useMemo(() => scaleOf(virtualHeight, viewport), [virtualHeight, viewport]);
  const state = useRef({ top: 0, physical: 0 });
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);

  useLayoutEffect(() => {
    const element = scrollerRef.current;
    if (!element) return;
    const measure = (): void => setViewport(Math.max(1, element.clientHeight - headerHeight));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [scrollerRef, headerHeight]);

  const put = useCallback(
    (virtualTop: number) => {
      const element = scrollerRef.current;
      if (!element) return;
      const wanted = toPhysical(scale, virtualTop);
      // Remembered before the event comes, so that it is not taken for a move of the reader's.
      element.scrollTop = wanted;
      state.current.physical = element.scrollTop;
    },
    [scrollerRef, scale],
  );

  useEffect(() => {
    const element = scrollerRef.current;
    if (!element) return;
    const onScroll = (): void => {
      const now = element.scrollTop;
      if (Math.abs(now - state.current.physical) < 0.5) return;
      state.current = { top: follow(scale, state.current.top, state.current.physical, now), physical: now };
      setTop(state.current.top);
      if (timer.current !== null) clearTimeout(timer.current);
      // Once it rests, the bar is put where the rows are; the difference is less than the bar can show.
      timer.current = setTimeout(() => put(state.current.top), RESYNC_MS);
    };
    element.addEventListener('scroll', onScroll, { passive: true });
    return () => {
      element.removeEventListener('scroll', onScroll);
      if (timer.current !== null) clearTimeout(timer.current);
    };
  }, [scrollerRef, scale, put]);

  const scrollTo = useCallback(
    (virtualTop: number) => {
      const clamped = toVirtual(scale, toPhysical(scale, virtualTop));
      state.current.top = clamped;
      setTop(clamped);
      put(clamped);
    },
    [scale, put],
  );

  return { top: Math.min(top, Math.max(0, virtualHeight - viewport)), viewport, physicalHeight: scale.physicalHeight, scrollTo };
}
