/** Where a row stands among rows in the order of their ids: a few looks instead of reading all of them. Null when it is not there. */
export async function findRow(rowId: string, total: number, idAt: (position: number) => Promise<string | undefined>): Promise<number | null> {
  const wanted = Number(rowId);
  let low = 0;
  let high = total - 1;
  // Without a deleted row before it, this is the place.
  let guess = wanted - 1;
  while (low <= high) {
    const at = Math.min(Math.max(guess, low), high);
    const found = Number(await idAt(at));
    if (found === wanted) return at;
    if (Number.isNaN(found)) return null;
    if (found < wanted) low = at + 1;
    else high = at - 1;
    guess = found > wanted && at - (found - wanted) >= low ? at - (found - wanted) : Math.floor((low + high) / 2);
  }
  return null;
}
