// What an import is about to do, in words.
import type { MappedBy, Mode, PreviewCounts, Problem } from '@/lib/api/types';
import { count, plural } from '@/lib/format';

/** Of all warnings the one that is about what is written, not about a place in the file. */
const RENEWED = 'rows_renewed';

/** Warnings that have their places in the file. */
export const warningsOfFile = (warnings: Record<string, number>): number =>
  Object.entries(warnings).reduce((sum, [code, n]) => (code === RENEWED ? sum : sum + n), 0);

/** Whether all rows are written anew, because so many of them change. */
export const isRenewed = (warnings: Record<string, number>): boolean => RENEWED in warnings;

/** "1,204 rows will be added, 37 changed, 5 set aside." The first part names the rows; what is none is not told. */
export function summary(counts: PreviewCounts, mode: Mode): string {
  const parts: [number, string][] = [
    [counts.inserted, 'added'],
    [counts.updated, 'changed'],
    [counts.deleted, mode === 'replace' ? 'replaced' : 'deleted'],
    [counts.quarantined, 'set aside'],
  ];
  const told = parts.filter(([n]) => n > 0).map(([n, what], i) => (i === 0 ? `${plural(n, 'row')} will be ${what}` : `${count(n)} ${what}`));
  return told.length === 0 ? 'No row will be added or changed.' : `${told.join(', ')}.`;
}

/** What the file holds and the import leaves alone. */
export function rest(counts: PreviewCounts): string | null {
  const parts = [
    counts.unchanged > 0 ? `${plural(counts.unchanged, 'row')} ${counts.unchanged === 1 ? 'is' : 'are'} in the dataset already, cell for cell` : null,
    counts.superseded > 0 ? `${counts.unchanged > 0 ? count(counts.superseded) : plural(counts.superseded, 'row')} ${counts.superseded === 1 ? 'is' : 'are'} overtaken by a later row of the file with the same key` : null,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : `${parts.join('; ')}.`;
}

/** Under a list that is cut short. */
export const firstShown = (n: number): string => (n === 1 ? 'The first one is shown.' : `The first ${count(n)} are shown.`);

export const WHY: Record<MappedBy, { label: string; look: '' | 'good' | 'info' | 'warn' }> = {
  exact: { label: 'same name', look: 'good' },
  remembered: { label: 'as the last time', look: 'good' },
  chosen: { label: 'chosen', look: 'info' },
  alike: { label: 'looks alike', look: 'warn' },
  new: { label: 'new column', look: 'info' },
  left_out: { label: 'left out', look: '' },
};

/** Where in the options a problem is mended: which option, and of which column of the file. */
export function placeOf(problem: Pick<Problem, 'pointer'> | null | undefined): { option: string; column: string | null } | null {
  const [, option, ...column] = /^\/(?:options\/)?([^/]+)(?:\/(.+))?$/.exec(problem?.pointer ?? '') ?? [];
  if (option === undefined) return null;
  return { option, column: column[0]?.replaceAll('~1', '/').replaceAll('~0', '~') ?? null };
}

const CONTROLS: ReadonlySet<string> = new Set(['mapping', 'new_columns', 'mode', 'key', 'encoding', 'delimiter', 'quote', 'header_rows', 'preamble', 'footer', 'sheet', 'member']);

/** Whether there is something on the page to mend it by; else it is told above all. */
export const hasControl = (place: ReturnType<typeof placeOf>): boolean => place !== null && CONTROLS.has(place.option);
