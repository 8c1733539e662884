// Sends a session as one commit and puts what comes back where it belongs: a version, conflicts to decide, cells to mend, or an
// answer that never came. Whatever happens, the session is kept until a version holds it.
import type { QueryClient } from '@tanstack/react-query';

import { datasetQuery } from '@/features/datasets/api';
import { api, unwrap } from '@/lib/api/client';
import { ApiProblem, codeOf, OFFLINE, OfflineError } from '@/lib/api/problem';
import type { CellError, CommitRequest, Dataset } from '@/lib/api/types';
import { cellText, isCut } from '@/lib/cells';

import { type Choice, type Questions, questionsOf, rebaseOf } from './conflicts';
import { type Cells, type Commit, type Session, toCommit } from './session';
import { type BadCell, changedTo, type SessionStore } from './session-store';

/** Whether a failure leaves it open if the commit was written. */
const isOpen = (error: unknown): boolean => [OFFLINE, 'unavailable', 'internal'].includes(codeOf(error));

const readHead = (client: QueryClient, dataset: string): Promise<Dataset> => client.query({ ...datasetQuery(dataset), staleTime: 0 });

export async function publish(store: SessionStore, client: QueryClient): Promise<void> {
  const { session, publishing } = store.snapshot();
  if (!session || publishing) return;
  store.update({ publishing: true, error: null, bad: [] });
  try {
    await attempt(store, client, session);
  } catch (error) {
    if (!isOpen(error)) store.dispatch({ type: 'answered' });
    store.update({ error });
  } finally {
    store.update({ publishing: false });
  }
}

async function attempt(store: SessionStore, client: QueryClient, session: Session): Promise<void> {
  if (!navigator.onLine) throw new OfflineError();
  // Read before sending: what is published between the two is found to conflict once more rather than passed over.
  const head = await readHead(client, store.dataset);
  const key = session.sent ?? crypto.randomUUID();
  const commit = toCommit(session);
  store.dispatch({ type: 'sent', key });
  try {
    const { version } = await send(store.dataset, key, commit);
    await client.invalidateQueries({ queryKey: ['dataset', store.dataset] });
    void client.invalidateQueries({ queryKey: ['datasets'] });
    store.published(version);
  } catch (error) {
    const problem = error instanceof ApiProblem ? error.problem : null;
    if (problem?.conflicts && problem.conflicts.length > 0) {
      store.dispatch({ type: 'answered' });
      const questions = questionsOf(problem.conflicts, session);
      if (questions.questions.length > 0) {
        store.update({ conflicts: problem.conflicts, head, dialog: 'conflicts' });
        return;
      }
      const rebase = rebaseOf(questions, new Map(), head, new Map());
      store.dispatch({ type: 'rebase', ...rebase });
      const rebased = store.snapshot().session;
      if (rebased) await attempt(store, client, rebased);
      return;
    }
    if (problem?.errors && problem.errors.length > 0) {
      store.dispatch({ type: 'answered' });
      store.update({ bad: problem.errors.map((one) => badCell(one, commit, session)), dialog: null });
      return;
    }
    throw error;
  }
}

async function send(dataset: string, key: string, { body }: Commit): Promise<{ version: number }> {
  return unwrap(
    api.POST('/api/v1/datasets/{id}/commits', {
      params: { path: { id: dataset }, header: { 'Idempotency-Key': key } },
      body: body as CommitRequest,
    }),
  );
}

/** `/changes/3/cells/col_2`: the row is that of the change, new rows have no id of their own. */
function badCell({ pointer, column, message }: CellError, { rows }: Commit, session: Session): BadCell {
  const row = rows[Number(pointer.split('/')[2])] ?? '';
  return { row, column: column ?? null, message, after: changedTo(session, row, column ?? null) };
}

/** Moves the session onto the head as decided, and publishes it. */
export async function resolve(store: SessionStore, client: QueryClient, questions: Questions, choices: ReadonlyMap<string, Choice>): Promise<void> {
  const { session, head } = store.snapshot();
  if (!session || !head) return;
  store.update({ error: null });
  const inserts = new Map<string, Cells>();
  try {
    for (const question of questions.questions) {
      if (question.kind === 'gone' && choices.get(question.id) === 'mine') inserts.set(question.row, await rowAsNew(session, question.row));
    }
  } catch (error) {
    store.update({ error });
    return;
  }
  store.dispatch({ type: 'rebase', ...rebaseOf(questions, choices, head, inserts) });
  store.update({ dialog: null, conflicts: [], head: null });
  await publish(store, client);
}

/** A row as it was at the base version with the session's changes on it. */
async function rowAsNew(session: Session, rowId: string): Promise<Cells> {
  const path = { id: session.dataset, row_id: rowId };
  const query = { version: session.baseVersion };
  const row = await unwrap(api.GET('/api/v1/datasets/{id}/rows/{row_id}', { params: { path, query } }));
  const cells: Record<string, string | null> = {};
  for (const [i, column] of session.columns.entries()) {
    const change = session.updates.get(rowId)?.get(column.id);
    let value: unknown = change ? change.after : row.cells[i];
    if (isCut(value)) value = (await unwrap(api.GET('/api/v1/datasets/{id}/rows/{row_id}/cells/{column_id}', { params: { path: { ...path, column_id: column.id }, query } }))).value;
    cells[column.id] = value === null || value === undefined ? null : cellText(value);
  }
  return cells;
}
