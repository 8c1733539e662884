// An edit session, purely: what was changed on one version, how each step is undone, counted, moved onto a newer version and
// turned into a commit. Kept by `session-storage.ts`, shown by `session-store.ts`, sent by `publish.ts`.
import type { Column } from '@/lib/api/types';
import { cellText } from '@/lib/cells';

/** What a cell becomes: a text that the server reads by the column's type, or null. An empty text is not null. */
export type EditValue = string | null;

/** Column id to value. */
export type Cells = Readonly<Record<string, EditValue>>;

export interface CellChange {
  /** As the base version has it. */
  before: unknown;
  after: EditValue;
}

export interface CellEdit extends CellChange {
  row: string;
  column: string;
}

export interface DeletedRow {
  row: string;
  /** As they were, for the review. */
  cells: readonly unknown[];
}

/** One reversible difference of a step. */
type Delta =
  | { kind: 'cell'; row: string; column: string; from: CellChange | null; to: CellChange | null }
  | { kind: 'added'; row: string; from: Cells | null; to: Cells | null }
  | { kind: 'deleted'; row: string; from: readonly unknown[] | null; to: readonly unknown[] | null };

export type Step = readonly Delta[];

export interface Session {
  dataset: string;
  baseVersion: number;
  /** Of the base version. */
  columns: readonly Column[];
  rows: number;
  updates: ReadonlyMap<string, ReadonlyMap<string, CellChange>>;
  /** New rows by local id, in their order. */
  added: ReadonlyMap<string, Cells>;
  deleted: ReadonlyMap<string, readonly unknown[]>;
  /** The first value of each changed row, so that a list can say which row it is. */
  names: ReadonlyMap<string, string>;
  nextLocal: number;
  past: readonly Step[];
  future: readonly Step[];
  message: string;
  /** The Idempotency-Key of a commit whose answer is not known: until it is, nothing may change, or it could be written twice. */
  sent: string | null;
}

export interface Rebase {
  baseVersion: number;
  columns: readonly Column[];
  rows: number;
  /** Conflicts decided: theirs drops the change, yours stands on theirs from here. */
  cells: readonly { row: string; column: string; before: unknown; drop: boolean }[];
  /** Rows that are not deleted after all. */
  keep: readonly string[];
  /** Rows that somebody deleted: their changes go, or come back as a new row. */
  gone: readonly { row: string; insert: Cells | null }[];
}

export type Action =
  | { type: 'set'; cells: readonly CellEdit[]; added?: readonly Cells[]; names?: readonly (readonly [string, string])[] }
  | { type: 'delete'; rows: readonly DeletedRow[] }
  /** Takes changes back one by one: a cell, or with `column` null the whole row's. */
  | { type: 'drop'; targets: readonly { row: string; column: string | null }[] }
  | { type: 'undo' }
  | { type: 'redo' }
  | { type: 'message'; text: string }
  | { type: 'sent'; key: string }
  | { type: 'answered' }
  | ({ type: 'rebase' } & Rebase);

/** Steps that can be undone; the oldest are forgotten. */
const STEPS_MAX = 200;

export const startSession = (dataset: string, baseVersion: number, columns: readonly Column[], rows: number): Session => ({
  dataset, baseVersion, columns, rows, updates: new Map(), added: new Map(), deleted: new Map(), names: new Map(), nextLocal: 1, past: [], future: [], message: '', sent: null,
});

const LOCAL = 'new-';
export const isLocal = (row: string): boolean => row.startsWith(LOCAL);
const numberOf = (row: string): number => Number(row.slice(LOCAL.length));

/** Whether a value is what the cell held before. A cut cell is never known to be. */
export function isSame(before: unknown, after: EditValue): boolean {
  if (before === null || before === undefined || after === null) return (before ?? null) === after;
  return typeof before !== 'object' && cellText(before) === after;
}

export function reduce(session: Session, action: Action): Session {
  if (session.sent !== null && action.type !== 'answered' && action.type !== 'sent') return session;
  switch (action.type) {
    case 'set':
      return take(named(session, action.names ?? []), setStep(session, action.cells, action.added ?? []), action.added?.length ?? 0);
    case 'delete':
      return take(session, action.rows.flatMap((row) => deleteDelta(session, row)));
    case 'drop':
      return take(session, dropStep(session, action.targets));
    case 'undo':
      return undo(session);
    case 'redo':
      return redo(session);
    case 'message':
      return { ...session, message: action.text };
    case 'sent':
      return { ...session, sent: action.key };
    case 'answered':
      return { ...session, sent: null };
    case 'rebase':
      return rebase(session, action);
  }
}

const named = (session: Session, names: readonly (readonly [string, string])[]): Session =>
  names.every(([row]) => session.names.has(row)) ? session : { ...session, names: new Map([...session.names, ...names]) };

/** What a row is known by: its first value. */
export const nameOfRow = (cells: readonly unknown[]): string => cellText(cells.find((value) => value !== null && value !== '')).slice(0, 40);

function setStep(session: Session, cells: readonly CellEdit[], added: readonly Cells[]): Step {
  const rows = new Map<string, Cells>();
  const deltas = new Map<string, Delta>();
  for (const { row, column, before, after } of cells) {
    const own = rows.get(row) ?? session.added.get(row);
    if (own) {
      if (own[column] !== after) rows.set(row, { ...own, [column]: after });
    } else if (!isLocal(row)) {
      const from = session.updates.get(row)?.get(column) ?? null;
      const was = from ? from.before : before;
      const to = isSame(was, after) ? null : { before: was, after };
      if (from?.after !== to?.after) deltas.set(`${row}\t${column}`, { kind: 'cell', row, column, from, to });
    }
  }
  return [
    ...deltas.values(),
    ...[...rows].map(([row, to]): Delta => ({ kind: 'added', row, from: session.added.get(row) ?? null, to })),
    ...added.map((to, i): Delta => ({ kind: 'added', row: `${LOCAL}${session.nextLocal + i}`, from: null, to })),
  ];
}

function deleteDelta(session: Session, { row, cells }: DeletedRow): Delta[] {
  const own = session.added.get(row);
  if (own) return [{ kind: 'added', row, from: own, to: null }];
  return isLocal(row) || session.deleted.has(row) ? [] : [{ kind: 'deleted', row, from: null, to: cells }];
}

function dropStep(session: Session, targets: readonly { row: string; column: string | null }[]): Step {
  const deltas = new Map<string, Delta>();
  const added = new Map<string, Cells | null>();
  for (const { row, column } of targets) {
    const own = added.get(row) ?? session.added.get(row);
    const deleted = session.deleted.get(row);
    if (own) {
      added.set(row, column === null ? null : Object.fromEntries(Object.entries(own).filter(([id]) => id !== column)));
    } else if (deleted && column === null) {
      deltas.set(row, { kind: 'deleted', row, from: deleted, to: null });
    } else {
      for (const [id, from] of session.updates.get(row) ?? []) {
        if (column === null || id === column) deltas.set(`${row}\t${id}`, { kind: 'cell', row, column: id, from, to: null });
      }
    }
  }
  return [...deltas.values(), ...[...added].map(([row, to]): Delta => ({ kind: 'added', row, from: session.added.get(row) ?? null, to }))];
}

function take(session: Session, step: Step, locals = 0): Session {
  if (step.length === 0) return session;
  const past = [...session.past, step].slice(-STEPS_MAX);
  return { ...applied(session, step, 'to'), nextLocal: session.nextLocal + locals, past, future: [] };
}

function undo(session: Session): Session {
  const step = session.past.at(-1);
  return step ? { ...applied(session, step, 'from'), past: session.past.slice(0, -1), future: [...session.future, step] } : session;
}

function redo(session: Session): Session {
  const step = session.future.at(-1);
  return step ? { ...applied(session, step, 'to'), past: [...session.past, step], future: session.future.slice(0, -1) } : session;
}

/** The session with one side of each difference. Only the maps that change are copied. */
function applied(session: Session, step: Step, side: 'from' | 'to'): Session {
  let { updates, added, deleted } = session;
  const cells = new Map<string, Map<string, CellChange>>();
  for (const delta of step) {
    if (delta.kind === 'cell') {
      const row = cells.get(delta.row) ?? new Map(updates.get(delta.row));
      cells.set(delta.row, row);
      const change = delta[side];
      if (change) row.set(delta.column, change);
      else row.delete(delta.column);
    }
  }
  if (cells.size > 0) {
    const next = new Map(updates);
    for (const [row, changes] of cells) {
      if (changes.size > 0) next.set(row, changes);
      else next.delete(row);
    }
    updates = next;
  }
  if (step.some((delta) => delta.kind === 'added')) {
    const next = new Map(added);
    for (const delta of step) {
      if (delta.kind !== 'added') continue;
      const to = delta[side];
      if (to) next.set(delta.row, to);
      else next.delete(delta.row);
    }
    // A row that comes back takes its former place.
    added = new Map([...next].sort(([a], [b]) => numberOf(a) - numberOf(b)));
  }
  if (step.some((delta) => delta.kind === 'deleted')) {
    const next = new Map(deleted);
    for (const delta of step) {
      if (delta.kind !== 'deleted') continue;
      const to = delta[side];
      if (to) next.set(delta.row, to);
      else next.delete(delta.row);
    }
    deleted = next;
  }
  return { ...session, updates, added, deleted };
}

/** Puts the session onto a newer version. Steps made on the older one cannot be undone any more. */
function rebase(session: Session, { baseVersion, columns, rows, cells, keep, gone }: Rebase): Session {
  const updates = new Map(session.updates);
  const added = new Map(session.added);
  const deleted = new Map(session.deleted);
  let { nextLocal } = session;
  for (const { row, column, before, drop } of cells) {
    const changes = new Map(updates.get(row));
    const mine = changes.get(column);
    if (!mine) continue;
    if (drop || isSame(before, mine.after)) changes.delete(column);
    else changes.set(column, { before, after: mine.after });
    if (changes.size > 0) updates.set(row, changes);
    else updates.delete(row);
  }
  for (const row of keep) deleted.delete(row);
  for (const { row, insert } of gone) {
    updates.delete(row);
    deleted.delete(row);
    if (insert) {
      added.set(`${LOCAL}${nextLocal}`, insert);
      nextLocal += 1;
    }
  }
  return { ...session, baseVersion, columns, rows, updates, added, deleted, nextLocal, past: [], future: [] };
}

export interface Counts {
  changes: number;
  rows: number;
}

/** A changed cell, a new row and a deleted row are one change each. */
export function counts(session: Session): Counts {
  let changes = session.added.size + session.deleted.size;
  let rows = changes;
  for (const [row, cells] of session.updates) {
    if (session.deleted.has(row)) continue;
    changes += cells.size;
    rows += 1;
  }
  return { changes, rows };
}

/** As the API takes it; the generated type knows nothing of a cell's value. */
interface Change {
  op: 'update' | 'delete' | 'insert';
  row_id?: string;
  cells?: Cells;
}

export interface Commit {
  body: { base_version: number; message: string; changes: Change[] };
  /** The row of each change, local ids too: errors name changes by their place. */
  rows: string[];
}

export function toCommit(session: Session): Commit {
  const changes: Change[] = [];
  const rows: string[] = [];
  const push = (row: string, change: Change): void => {
    rows.push(row);
    changes.push(change);
  };
  for (const [row, cells] of session.updates) {
    if (!session.deleted.has(row)) push(row, { op: 'update', row_id: row, cells: Object.fromEntries([...cells].map(([id, { after }]) => [id, after])) });
  }
  for (const row of session.deleted.keys()) push(row, { op: 'delete', row_id: row });
  for (const [row, cells] of session.added) push(row, { op: 'insert', cells: { ...cells } });
  return { body: { base_version: session.baseVersion, message: session.message, changes }, rows };
}

/** Every change as tab-separated text: what can be taken along when the session cannot be published. */
export function changesAsTable(session: Session): string[][] {
  const name = (id: string): string => session.columns.find((column) => column.id === id)?.name ?? id;
  const text = (value: unknown): string => (value === null ? 'null' : cellText(value));
  const lines: string[][] = [['change', 'row', 'column', 'before', 'after']];
  for (const [row, cells] of session.updates) {
    if (session.deleted.has(row)) continue;
    for (const [id, { before, after }] of cells) lines.push(['update', row, name(id), text(before), text(after)]);
  }
  for (const [row, cells] of session.deleted) {
    for (const [i, column] of session.columns.entries()) lines.push(['delete', row, column.name, text(cells[i] ?? null), '']);
  }
  for (const [row, cells] of session.added) {
    for (const [id, after] of Object.entries(cells)) lines.push(['insert', row, name(id), '', text(after)]);
  }
  return lines;
}
