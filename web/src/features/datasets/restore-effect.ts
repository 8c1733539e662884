// The sentence that says what a restore does to the rows, from the comparison of the head with that version.
import type { Diff } from '@/lib/api/types';
import { count, plural } from '@/lib/format';

/** "1,204 rows change: 1,200 get old values, 3 come back, 1 goes." */
export function restoreEffect({ inserted, updated, deleted }: Pick<Diff, 'inserted' | 'updated' | 'deleted'>): string {
  const total = inserted + updated + deleted;
  if (total === 0) return 'No row changes.';
  const parts = [
    updated > 0 ? `${count(updated)} ${updated === 1 ? 'gets its' : 'get their'} old values` : '',
    inserted > 0 ? `${count(inserted)} ${inserted === 1 ? 'comes' : 'come'} back` : '',
    deleted > 0 ? `${count(deleted)} ${deleted === 1 ? 'goes' : 'go'}` : '',
  ].filter((part) => part !== '');
  return `${plural(total, 'row')} change${total === 1 ? 's' : ''}: ${parts.join(', ')}.`;
}
