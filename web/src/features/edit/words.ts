import { plural } from '@/lib/format';

import { counts, type Session } from './session';

/** "14 changes in 9 rows" */
export function changesIn(session: Session): string {
  const { changes, rows } = counts(session);
  return changes === 0 ? 'No changes yet' : `${plural(changes, 'change')} in ${plural(rows, 'row')}`;
}
