// The order in the address: `col_3,-col_1`, the first key first.

export interface GridSort {
  column: string;
  desc: boolean;
}

export const readSort = (sort: string | undefined): GridSort[] =>
  (sort ?? '').split(',').filter((key) => key.replace(/^-/, '') !== '').map((key) => ({ column: key.replace(/^-/, ''), desc: key.startsWith('-') }));

export const writeSort = (sort: readonly GridSort[]): string | undefined => (sort.length === 0 ? undefined : sort.map(({ column, desc }) => `${desc ? '-' : ''}${column}`).join(','));

/** Ascending, descending, not at all; with `add` beside the other keys, else instead of them. */
export function toggled(sort: readonly GridSort[], column: string, add: boolean): GridSort[] {
  const before = sort.find((key) => key.column === column);
  const next = before === undefined ? { column, desc: false } : before.desc ? null : { column, desc: true };
  if (!add) return next ? [next] : [];
  if (!before) return [...sort, ...(next ? [next] : [])];
  return sort.flatMap((key) => (key.column === column ? (next ? [next] : []) : [key]));
}
