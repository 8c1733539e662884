// Where an axis begins, ends and has its marks.

/** From zero for amounts; for places (an average, a smallest) from near the values, unless zero is near as well. */
export function domainOf(numbers: readonly (number | null)[], fromZero: boolean): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const n of numbers) {
    if (n === null) continue;
    low = Math.min(low, n);
    high = Math.max(high, n);
  }
  if (low > high) return [0, 1];
  if (fromZero || (low > 0 && low < high / 2) || (high < 0 && high > low / 2)) {
    low = Math.min(0, low);
    high = Math.max(0, high);
  }
  if (low < high) return [low, high];
  if (low === 0) return [0, 1];
  const room = Math.abs(low) / 10;
  return [low - room, high + room];
}

/** Every how many of `count` marks one is written, so that labels of that width have room. */
export function strideOf(count: number, width: number, label: number): number {
  const fitting = Math.max(1, Math.floor(width / label));
  const least = Math.ceil(count / fitting);
  return [1, 2, 3, 4, 6, 12].find((stride) => stride >= least) ?? Math.ceil(least / 12) * 12;
}

/** Stretches of a line without a gap, as positions in it. */
export function stretches(numbers: readonly (number | null)[]): number[][] {
  const all: number[][] = [];
  let open: number[] | null = null;
  numbers.forEach((n, i) => {
    if (n === null) {
      open = null;
    } else if (open === null) {
      open = [i];
      all.push(open);
    } else {
      open.push(i);
    }
  });
  return all;
}
