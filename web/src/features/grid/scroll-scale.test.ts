import { describe, expect, it } from 'vitest';

import { follow, isScaled, scaleOf, toPhysical, toVirtual } from './scroll-scale';

const ROW = 32;

describe('the scrollbar', () => {
  it('is a plain scrollbar while the rows fit', () => {
    const scale = scaleOf(336_776 * ROW, 800);
    expect(isScaled(scale)).toBe(false);
    expect(toVirtual(scale, 5_000_000)).toBe(5_000_000);
    expect(toPhysical(scale, 5_000_000)).toBe(5_000_000);
  });

  it('reaches the first and the last of 10 million rows', () => {
    const scale = scaleOf(10_000_000 * ROW, 800);
    expect(isScaled(scale)).toBe(true);
    expect(toVirtual(scale, 0)).toBe(0);
    expect(toVirtual(scale, scale.physicalHeight - 800)).toBe(10_000_000 * ROW - 800);
  });

  it('goes there and back to within a pixel, and never backwards', () => {
    const scale = scaleOf(10_000_000 * ROW, 800);
    let before = -1;
    for (let top = 0; top <= scale.virtualHeight - 800; top += 1_234_567) {
      const physical = toPhysical(scale, top);
      expect(physical).toBeGreaterThan(before);
      expect(Math.abs(toVirtual(scale, physical) - top)).toBeLessThan(1);
      before = physical;
    }
  });

  it('moves by the wheel’s own pixels, also in the stretched middle', () => {
    const scale = scaleOf(10_000_000 * ROW, 800);
    const top = 160_000_000;
    const physical = toPhysical(scale, top);
    expect(follow(scale, top, physical, physical + 100)).toBe(top + 100);
  });

  it('goes where the thumb points when it is dragged', () => {
    const scale = scaleOf(10_000_000 * ROW, 800);
    expect(follow(scale, 0, 0, 7_500_000)).toBe(toVirtual(scale, 7_500_000));
  });

  it('arrives at the last row by the wheel', () => {
    const scale = scaleOf(10_000_000 * ROW, 800);
    const last = scale.virtualHeight - 800;
    let top = last - 1000;
    let physical = toPhysical(scale, top);
    for (let i = 0; i < 10; i += 1) {
      const now = Math.min(physical + 120, scale.physicalHeight - 800);
      top = follow(scale, top, physical, now);
      physical = now;
    }
    expect(top).toBe(last);
  });
});
