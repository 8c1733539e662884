import { ArrowRight, Undo2, X } from 'lucide-react';
import { type ReactNode, useMemo, useState } from 'react';

import { Button, IconButton } from '@/components/button';
import type { Column } from '@/lib/api/types';
import { count } from '@/lib/format';

import { type CellChange, type EditValue, nameOfRow, type Session } from '../session';
import type { BadCell, SessionStore } from '../session-store';
import { byCell, rowName } from '../shown-rows';
import { hint } from '../values';
import { CellValue } from './cell-value';

const SHOWN = 100;

interface Changed {
  row: string;
  kind: 'updated' | 'new' | 'deleted';
}

const SIGNS = { updated: '±', new: '+', deleted: '−' } as const;
const SAYS = { updated: 'changed', new: 'new', deleted: 'deleted' } as const;

function CellLine({ column, change, wrong, onDrop, row }: { column: Column; change: CellChange; wrong: string | null; onDrop: () => void; row: string }) {
  return (
    <div className="review-cell">
      <span className="column cut" title={column.name}>{column.name}</span>
      <span className="value old"><CellValue value={change.before} kind={column.type} /></span>
      <ArrowRight size={14} aria-label="becomes" className="faint" />
      <span className="value new"><CellValue value={change.after} kind={column.type} /></span>
      <IconButton tiny label={`Drop the change of ${column.name} in ${row}`} onPress={onDrop}><X size={14} aria-hidden /></IconButton>
      {wrong === null ? null : <span className="wrong">{wrong}</span>}
    </div>
  );
}

interface ChangeListProps {
  store: SessionStore;
  session: Session;
  bad: readonly BadCell[];
}

/** Every change, row by row, old and new side by side; each can be dropped. */
export function ChangeList({ store, session, bad }: ChangeListProps) {
  const [shown, setShown] = useState(SHOWN);
  const said = useMemo(() => byCell(bad), [bad]);
  const rows = useMemo<Changed[]>(
    () => [
      ...[...session.updates.keys()].filter((row) => !session.deleted.has(row)).map((row): Changed => ({ row, kind: 'updated' })),
      ...[...session.deleted.keys()].map((row): Changed => ({ row, kind: 'deleted' })),
      ...[...session.added.keys()].map((row): Changed => ({ row, kind: 'new' })),
    ],
    [session.updates, session.deleted, session.added],
  );
  const drop = (row: string, column: string | null): void => store.dispatch({ type: 'drop', targets: [{ row, column }] });
  const wrong = (row: string, column: Column, after: EditValue): string | null => {
    const one = said.get(`${row}\t${column.id}`);
    return one?.after === after ? one.message : hint(column, after);
  };

  const nameOf = ({ row, kind }: Changed): string => (kind === 'deleted' ? nameOfRow(session.deleted.get(row) ?? []) : (session.names.get(row) ?? ''));

  const cellsOf = ({ row, kind }: Changed): ReactNode => {
    if (kind === 'deleted') {
      const cells = session.deleted.get(row) ?? [];
      return (
        <p className="review-cell small faint" style={{ display: 'block' }}>
          {session.columns.slice(0, cells.length).map((column, i) => (
            <span key={column.id}>{i > 0 ? ' · ' : ''}{column.name} <CellValue value={cells[i]} kind={column.type} /></span>
          ))}
          {session.columns.length > cells.length ? ' · …' : ''}
        </p>
      );
    }
    const updates = session.updates.get(row);
    const added = session.added.get(row);
    const lines = session.columns.flatMap((column) => {
      const change = kind === 'new' ? (added && column.id in added ? { before: null, after: added[column.id] ?? null } : undefined) : updates?.get(column.id);
      return change ? [<CellLine key={column.id} row={rowName(row)} column={column} change={change} wrong={wrong(row, column, change.after)} onDrop={() => drop(row, column.id)} />] : [];
    });
    return lines.length > 0 ? lines : <p className="review-cell small faint">Every cell is null.</p>;
  };

  return (
    <>
      <ol className="review" aria-label="Changes">
        {rows.slice(0, shown).map((changed) => (
          <li key={changed.row} className={`review-row ${changed.kind}`}>
            <div className="review-head">
              <span className="sign" aria-hidden>{SIGNS[changed.kind]}</span>
              <span>{rowName(changed.row)}</span>
              <span className="cut" style={{ maxWidth: 240, fontWeight: 450 }}>{nameOf(changed)}</span>
              <span className="small faint">{SAYS[changed.kind]}</span>
              <span className="grow" />
              <IconButton tiny label={`Drop all changes of ${rowName(changed.row)}`} onPress={() => drop(changed.row, null)}><Undo2 size={14} aria-hidden /></IconButton>
            </div>
            {cellsOf(changed)}
          </li>
        ))}
      </ol>
      {rows.length > shown ? (
        <div><Button size="tiny" onPress={() => setShown(shown + SHOWN)}>Show more ({count(rows.length - shown)} rows)</Button></div>
      ) : null}
    </>
  );
}
