import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';

import { Button } from '@/components/button';
import { Skeleton } from '@/components/states';
import { api, unwrap } from '@/lib/api/client';
import type { Column, Row } from '@/lib/api/types';
import { isCut } from '@/lib/cells';

import { isSame, nameOfRow } from '../session';
import { byCell, newRow, problemAt, shownRow, type ShownRow } from '../shown-rows';
import type { Editing } from '../use-cell-editing';
import { readTyped } from '../values';
import { type FieldProps, ValueField } from './value-field';

/** A cut cell is read whole before it can be changed. */
function LongField({ editing, rowId, column, ...rest }: Omit<FieldProps, 'value' | 'onChange'> & { editing: Editing; rowId: string; onChange: (text: string | null, before: unknown) => void }) {
  const { session } = editing;
  const whole = useQuery({
    queryKey: ['cell', session.dataset, session.baseVersion, rowId, column.id],
    queryFn: async ({ signal }) => {
      const path = { id: session.dataset, row_id: rowId, column_id: column.id };
      const answer = await unwrap(api.GET('/api/v1/datasets/{id}/rows/{row_id}/cells/{column_id}', { params: { path, query: { version: session.baseVersion } }, signal }));
      return answer.value;
    },
    staleTime: Infinity,
  });
  if (whole.isPending) return <Skeleton lines={1} />;
  if (whole.isError) return <p className="field-error">{column.name} is long and could not be read. <Button size="tiny" onPress={() => void whole.refetch()}>Try again</Button></p>;
  return <ValueField {...rest} column={column} value={whole.data} onChange={(text) => rest.onChange(text, whole.data)} />;
}

interface RowFormProps {
  editing: Editing;
  rowId: string;
  /** As the base version has it; null for a new row. */
  row: Row | null;
}

/** One row to be changed, field by field. */
export function RowForm({ editing, rowId, row }: RowFormProps) {
  const { store, session, jump } = editing;
  const { columns } = session;
  const bad = byCell(editing.bad);
  const shown: ShownRow | undefined = row ? shownRow(row, columns, session) : newRow(rowId, columns, session);
  const form = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (jump?.row === rowId && jump.column !== null) form.current?.querySelector<HTMLElement>(`[data-column="${CSS.escape(jump.column)}"] :is(input, textarea, .select-button)`)?.focus();
  }, [jump, rowId]);
  if (!shown) return null;
  const deleted = shown.mark === 'deleted';
  const locked = session.sent !== null || deleted;
  const set = (column: Column, text: string | null, before: unknown): void => {
    const after = text === null ? null : readTyped(column, text);
    if (isSame(before, after) || shown.cells[columns.indexOf(column)] !== after) store.dispatch({ type: 'set', cells: [{ row: rowId, column: column.id, before, after }], names: row ? [[rowId, nameOfRow(row.cells)]] : [] });
  };
  return (
    <div className="row-form" ref={form}>
      <div className="row">
        {deleted ? <span className="grow small">This row is deleted with the session.</span> : <span className="grow" />}
        {deleted || shown.mark === 'new' ? (
          <Button size="tiny" isDisabled={session.sent !== null} onPress={() => store.dispatch({ type: 'drop', targets: [{ row: rowId, column: null }] })}>
            {deleted ? 'Bring the row back' : 'Drop this new row'}
          </Button>
        ) : (
          <Button size="tiny" isDisabled={locked} onPress={() => store.dispatch({ type: 'delete', rows: [{ row: rowId, cells: (row?.cells ?? []).slice(0, 8) }] })}>
            Delete row
          </Button>
        )}
      </div>
      {columns.map((column, i) => {
        const raw: unknown = row ? row.cells[i] : null;
        const change = shown.changed?.get(column.id);
        const props = {
          column,
          changed: change !== undefined,
          problem: problemAt(shown, column, i, bad),
          locked,
          onRevert: change ? () => store.dispatch({ type: 'drop', targets: [{ row: rowId, column: column.id }] }) : null,
        };
        return isCut(raw) && !change ? (
          <LongField key={column.id} {...props} editing={editing} rowId={rowId} onChange={(text, before) => set(column, text, before)} />
        ) : (
          <ValueField key={column.id} {...props} value={shown.cells[i]} onChange={(text) => set(column, text, raw)} />
        );
      })}
    </div>
  );
}
