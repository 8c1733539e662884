// Maps the scrollbar to rows beyond what a browser can scroll. Browsers cap an element's height (Firefox at about 17.8 M px),
// and a million rows are 32 M. The bar's range is therefore capped, and its middle stretched: near both ends one pixel is one
// pixel, so the wheel reaches the first and the last row exactly; between them the bar is proportional.

export const PHYSICAL_MAX = 15_000_000;
const EDGE = 200_000;

export interface Scale {
  /** All rows, in pixels, without any cap. */
  virtualHeight: number;
  /** What the scroller is given. */
  physicalHeight: number;
  viewport: number;
  edge: number;
}

export function scaleOf(virtualHeight: number, viewport: number, physicalMax = PHYSICAL_MAX): Scale {
  const physicalHeight = Math.min(virtualHeight, physicalMax);
  return { virtualHeight, physicalHeight, viewport, edge: Math.min(EDGE, physicalHeight / 8) };
}

export const isScaled = (scale: Scale): boolean => scale.physicalHeight < scale.virtualHeight;

const ranges = (scale: Scale) => ({
  physical: Math.max(0, scale.physicalHeight - scale.viewport),
  virtual: Math.max(0, scale.virtualHeight - scale.viewport),
});

export function toVirtual(scale: Scale, physicalTop: number): number {
  const { physical, virtual } = ranges(scale);
  const top = Math.min(Math.max(physicalTop, 0), physical);
  if (!isScaled(scale)) return top;
  if (top <= scale.edge) return top;
  if (top >= physical - scale.edge) return virtual - (physical - top);
  return scale.edge + ((top - scale.edge) * (virtual - 2 * scale.edge)) / (physical - 2 * scale.edge);
}

export function toPhysical(scale: Scale, virtualTop: number): number {
  const { physical, virtual } = ranges(scale);
  const top = Math.min(Math.max(virtualTop, 0), virtual);
  if (!isScaled(scale)) return top;
  if (top <= scale.edge) return top;
  if (top >= virtual - scale.edge) return physical - (virtual - top);
  return scale.edge + ((top - scale.edge) * (physical - 2 * scale.edge)) / (virtual - 2 * scale.edge);
}

/**
 * Where the rows go when the scroller moved. A wheel, a finger or a key moves it by less than a few screens, and the rows follow
 * by as many pixels; a dragged thumb jumps thousands, and the rows go where the bar points.
 */
export function follow(scale: Scale, virtualTop: number, physicalBefore: number, physicalNow: number): number {
  if (!isScaled(scale)) return toVirtual(scale, physicalNow);
  const { physical, virtual } = ranges(scale);
  const moved = physicalNow - physicalBefore;
  const atAnEnd = physicalNow <= 0 || physicalNow >= physical - 1;
  if (atAnEnd || Math.abs(moved) > 4 * Math.max(scale.viewport, 600)) return toVirtual(scale, physicalNow);
  return Math.min(Math.max(virtualTop + moved, 0), virtual);
}
