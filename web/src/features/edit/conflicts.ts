// What a person has to decide when others changed the same cells, and the session that follows from it.
import type { Conflict, Dataset } from '@/lib/api/types';

import type { Cells, Rebase, Session } from './session';

export type Choice = 'mine' | 'theirs';

export type Question =
  /** Both changed this cell. */
  | { kind: 'cell'; id: string; row: string; column: string; base: unknown; theirs: unknown; yours: unknown }
  /** Deleted here, changed by somebody. */
  | { kind: 'deleted'; id: string; row: string; cells: readonly Conflict[] }
  /** Changed here, deleted by somebody. */
  | { kind: 'gone'; id: string; row: string; cells: readonly Conflict[] };

export interface Questions {
  questions: Question[];
  /** Rows that both deleted: nothing to decide. */
  settled: string[];
}

export function questionsOf(conflicts: readonly Conflict[], session: Session): Questions {
  const questions: Question[] = [];
  const settled: string[] = [];
  const rows = new Map<string, Conflict[]>();
  for (const conflict of conflicts) {
    const deletes = session.deleted.has(conflict.row_id);
    if (deletes && conflict.gone) {
      settled.push(conflict.row_id);
    } else if (deletes || conflict.gone) {
      const before = rows.get(conflict.row_id);
      if (before) {
        before.push(conflict);
        continue;
      }
      const cells = [conflict];
      rows.set(conflict.row_id, cells);
      questions.push({ kind: deletes ? 'deleted' : 'gone', id: conflict.row_id, row: conflict.row_id, cells });
    } else {
      const column = conflict.column ?? '';
      questions.push({ kind: 'cell', id: `${conflict.row_id}\t${column}`, row: conflict.row_id, column, base: conflict.base, theirs: conflict.theirs, yours: conflict.yours });
    }
  }
  return { questions, settled };
}

/** Puts the session onto the head as decided. `inserts` are the rows that are gone and come back as new ones. */
export function rebaseOf({ questions, settled }: Questions, choices: ReadonlyMap<string, Choice>, head: Dataset, inserts: ReadonlyMap<string, Cells>): Rebase {
  const cells: Rebase['cells'][number][] = [];
  const keep: string[] = [];
  const gone: Rebase['gone'][number][] = settled.map((row) => ({ row, insert: null }));
  for (const question of questions) {
    const mine = choices.get(question.id) === 'mine';
    if (question.kind === 'cell') cells.push({ row: question.row, column: question.column, before: question.theirs, drop: !mine });
    else if (question.kind === 'gone') gone.push({ row: question.row, insert: mine ? (inserts.get(question.row) ?? null) : null });
    else if (!mine) keep.push(question.row);
  }
  return { baseVersion: head.version, columns: head.columns, rows: head.rows, cells, keep, gone };
}
