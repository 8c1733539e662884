import { useInfiniteQuery } from '@tanstack/react-query';
import { ListChecks, PencilLine, Plus, Redo2, Trash2, TriangleAlert, Undo2 } from 'lucide-react';
import { useEffect } from 'react';

import { Button, IconButton } from '@/components/button';
import { versionsQuery } from '@/features/datasets/api';
import type { Dataset } from '@/lib/api/types';
import { plural } from '@/lib/format';

import type { Session } from '../session';
import { changedTo, type SessionState, type SessionStore, useSessionState } from '../session-store';
import { rowName } from '../shown-rows';
import type { CellEditing, Editing } from '../use-cell-editing';
import { changesIn } from '../words';
import { CopyChanges, FailureNote } from './failure-note';

const isField = (target: EventTarget | null): boolean => target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));

/** Undo and redo work wherever the focus is, but not in a field, which has its own. */
function useUndoKeys(store: SessionStore): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || isField(event.target) || store.snapshot().dialog !== null) return;
      const key = event.key.toLowerCase();
      const type = key === 'z' ? (event.shiftKey ? 'redo' : 'undo') : key === 'y' ? 'redo' : null;
      if (type === null) return;
      event.preventDefault();
      store.dispatch({ type });
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [store]);
}

/** Who published while the session goes on. */
function HeadMoved({ dataset, base }: { dataset: Dataset; base: number }) {
  const versions = useInfiniteQuery(versionsQuery(dataset.id));
  const info = versions.data?.pages[0]?.versions.find(({ version }) => version === dataset.version);
  return (
    <span className="small moved" role="status">
      v{dataset.version} was published by {info?.author ?? 'somebody'} while you edit v{base}
    </span>
  );
}

function BadCells({ store, state, session }: { store: SessionStore; state: SessionState; session: Session }) {
  // One that was changed since, or dropped, is not the one that was refused.
  const bad = state.bad.filter((cell) => !session.deleted.has(cell.row) && changedTo(session, cell.row, cell.column) === cell.after);
  if (bad.length === 0) return null;
  const name = (id: string | null): string => session.columns.find((column) => column.id === id)?.name ?? 'the row';
  return (
    <div className="session-note bad" role="alert">
      <TriangleAlert size={15} aria-hidden />
      <span className="grow">
        {plural(bad.length, 'cell')} could not be taken. Nothing was published and nothing is lost; mend {bad.length === 1 ? 'it' : 'them'}, then exit again.
      </span>
      <Button size="tiny" onPress={() => store.update({ bad: [] })}>Close the list</Button>
      <div className="bad-list" tabIndex={0} role="group" aria-label="Cells that could not be taken">
        {bad.slice(0, 100).map((cell, i) => (
          <Button key={i} size="tiny" onPress={() => store.update({ jump: { row: cell.row, column: cell.column } })}>
            {rowName(cell.row)}, {name(cell.column)}: {cell.message}
          </Button>
        ))}
      </div>
    </div>
  );
}

/** What the session holds so far, and what can be done with it. */
export function SessionBar({ editing, edit, onOpenRow }: { editing: Editing; edit: CellEditing; onOpenRow: (row: string) => void }) {
  const { store, session, head } = editing;
  const state = useSessionState(store);
  useUndoKeys(store);
  const locked = session.sent !== null;
  const add = (): void => {
    edit.addRow();
    // On a phone a row is filled in as a form.
    if (window.matchMedia('(max-width: 720px)').matches) onOpenRow(`new-${session.nextLocal}`);
  };
  return (
    <>
      <div className="session-bar" role="region" aria-label="Edit session">
        <PencilLine size={15} aria-hidden />
        <b data-testid="session-count">{changesIn(session)}</b>
        {head.version > session.baseVersion ? <HeadMoved key={head.version} dataset={head} base={session.baseVersion} /> : <span className="small desk-only">on v{session.baseVersion}</span>}
        <span className="grow" />
        <IconButton label="Undo" keys="Ctrl Z" isDisabled={locked || session.past.length === 0} onPress={() => store.dispatch({ type: 'undo' })}>
          <Undo2 size={16} aria-hidden />
        </IconButton>
        <IconButton label="Redo" keys="Ctrl Shift Z" isDisabled={locked || session.future.length === 0} onPress={() => store.dispatch({ type: 'redo' })}>
          <Redo2 size={16} aria-hidden />
        </IconButton>
        <span className="sep" />
        <IconButton label="Add row" keys="Ctrl Enter" isDisabled={locked} onPress={add}>
          <Plus size={16} aria-hidden />
        </IconButton>
        <IconButton label="Delete rows" keys="Shift Delete" isDisabled={locked} onPress={edit.deleteRows}>
          <Trash2 size={16} aria-hidden />
        </IconButton>
        <span className="sep" />
        <Button look="quiet" aria-label="Review" onPress={() => store.update({ dialog: 'review' })}>
          <ListChecks size={15} aria-hidden /> <span className="desk-only">Review</span>
        </Button>
      </div>
      {state.kept ? null : (
        <div className="session-note warn" role="alert">
          <TriangleAlert size={15} aria-hidden /> This browser has no room to keep these changes over a reload. Publish them before you close the page.
        </div>
      )}
      {head.role === 'viewer' ? (
        <div className="session-note warn" role="alert">
          <TriangleAlert size={15} aria-hidden />
          <span className="grow">You may only read this dataset now. {changesIn(session)}, kept in this browser; an owner can let you publish them.</span>
          <CopyChanges session={session} />
        </div>
      ) : null}
      {state.dialog === null ? <FailureNote store={store} state={state} session={session} /> : null}
      <BadCells store={store} state={state} session={session} />
    </>
  );
}
