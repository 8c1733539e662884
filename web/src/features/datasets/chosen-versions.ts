/** The versions chosen to compare: two at most, a third puts the first away. */
export function choose(before: readonly number[], version: number, chosen: boolean): number[] {
  const others = before.filter((other) => other !== version);
  return chosen ? [...others, version].slice(-2) : others;
}
