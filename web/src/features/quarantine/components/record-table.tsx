// The records under the columns that they were meant for. One cell has the focus; arrows move it, Enter or typing edits it.
import { type KeyboardEvent, useLayoutEffect, useRef, useState } from 'react';

import { Checkbox } from '@/components/checkbox';
import type { Column } from '@/lib/api/types';
import { defaultWidth, isNumeric, typeMark, typeName } from '@/lib/cells';
import { count } from '@/lib/format';

import type { RecordsProps } from './record-list';
import { type CellPlace, LEAD, RecordRow } from './record-row';

/** Of selection, place and reason. */
const LEAD_WIDTHS = [40, 132, 230] as const;
const SURPLUS_WIDTH = 200;
/** A cell here is as the file spells it, which may be longer than the column's own values. */
const widthOf = (column: Column): number => Math.max(132, defaultWidth(column));
const PAGE = 10;

export function RecordTable({ dataset, quarantine, onOpen }: RecordsProps) {
  const { rows, chosen, mends, refusals, choose, setCell } = quarantine;
  const { columns } = dataset;
  const [at, setAt] = useState<CellPlace>({ row: 0, column: LEAD });
  const [editing, setEditing] = useState<{ typed: string | null } | null>(null);
  const table = useRef<HTMLTableElement>(null);
  const moved = useRef(false);
  const surplus = rows.some((row) => row.surplus.length > 0);
  const last = LEAD + columns.length - 1 + Number(surplus);
  const active: CellPlace = { row: Math.min(at.row, rows.length - 1), column: Math.min(at.column, last) };
  const editable = dataset.role !== 'viewer' && rows[0]?.state === 'open';

  useLayoutEffect(() => {
    if (!moved.current || editing) return;
    moved.current = false;
    table.current?.querySelector<HTMLElement>(`[data-at="${active.row}:${active.column}"]`)?.focus();
  });

  const go = (row: number, column: number): void => {
    moved.current = true;
    setAt({ row: Math.max(0, Math.min(rows.length - 1, row)), column: Math.max(0, Math.min(last, column)) });
  };
  const isCell = active.column >= LEAD && active.column < LEAD + columns.length;
  const canEdit = (row: number): boolean => editable && rows[row]?.cells != null && (mends.get(rows[row].id)?.raw ?? null) === null;
  const edit = (typed: string | null): void => {
    if (isCell && canEdit(active.row)) setEditing({ typed });
    else if (rows[active.row]) onOpen(rows[active.row]?.id ?? '');
  };
  const toggle = (): void => {
    const row = rows[active.row];
    if (row && row.state !== 'resubmitted') choose([row.id], !chosen.has(row.id));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (editing || event.altKey) return;
    const held = event.ctrlKey || event.metaKey;
    const moves: Record<string, () => void> = {
      ArrowDown: () => go(active.row + 1, active.column),
      ArrowUp: () => go(active.row - 1, active.column),
      ArrowRight: () => go(active.row, active.column + 1),
      ArrowLeft: () => go(active.row, active.column - 1),
      PageDown: () => go(active.row + PAGE, active.column),
      PageUp: () => go(active.row - PAGE, active.column),
      Home: () => go(held ? 0 : active.row, 0),
      End: () => go(held ? rows.length - 1 : active.row, last),
      Enter: () => edit(null),
      F2: () => edit(null),
      ' ': toggle,
      Delete: () => {
        const [row, column] = [rows[active.row], columns[active.column - LEAD]];
        if (row && column && canEdit(active.row)) setCell(row, column, null);
      },
    };
    const move = moves[event.key];
    if (move) {
      event.preventDefault();
      move();
    } else if (!held && event.key.length === 1 && isCell && canEdit(active.row)) {
      event.preventDefault();
      setEditing({ typed: event.key });
    }
  };

  const all = rows.length > 0 && rows.every((row) => chosen.has(row.id));
  const width = LEAD_WIDTHS.reduce((sum, one) => sum + one, 0) + columns.reduce((sum, column) => sum + widthOf(column), 0) + (surplus ? SURPLUS_WIDTH : 0);
  return (
    <div className="records">
      <table ref={table} role="grid" aria-label="Records in quarantine" aria-rowcount={quarantine.total + 1} onKeyDown={onKeyDown} style={{ width }}>
        <colgroup>
          {LEAD_WIDTHS.map((one) => <col key={one} style={{ width: one }} />)}
          {columns.map((column) => <col key={column.id} style={{ width: widthOf(column) }} />)}
          {surplus ? <col style={{ width: SURPLUS_WIDTH }} /> : null}
        </colgroup>
        <thead>
          <tr>
            <th scope="col" className="pick">
              <Checkbox aria-label="All that are shown" isSelected={all} isIndeterminate={!all && chosen.size > 0} isDisabled={rows[0]?.state === 'resubmitted'} onChange={(on) => choose(rows.map((row) => row.id), on)} />
            </th>
            <th scope="col">Place</th>
            <th scope="col">Reason</th>
            {columns.map((column) => (
              <th key={column.id} scope="col" className={isNumeric(column.type) ? 'num' : ''} title={`${column.name} · ${typeName(column.type)}`}>
                <span className="mark" aria-hidden>{typeMark(column.type)}</span>{column.name}
              </th>
            ))}
            {surplus ? <th scope="col">Cells no column takes</th> : null}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <RecordRow
              key={row.id}
              dataset={dataset}
              row={row}
              index={i}
              surplus={surplus}
              mend={mends.get(row.id)}
              refusals={refusals}
              chosen={chosen.has(row.id)}
              active={active.row === i ? active.column : null}
              editing={active.row === i ? editing : null}
              onChoose={(on) => choose([row.id], on)}
              onOpen={() => onOpen(row.id)}
              onActive={(column) => setAt({ row: i, column })}
              onEdit={(column) => {
                setAt({ row: i, column });
                if (column >= LEAD && column < LEAD + columns.length && canEdit(i)) setEditing({ typed: null });
                else onOpen(row.id);
              }}
              onClose={(column, value, after) => {
                setEditing(null);
                if (value !== undefined) setCell(row, column, value);
                const step = { down: [1, 0], up: [-1, 0], right: [0, 1], left: [0, -1], stay: [0, 0] }[after];
                go(i + (step[0] ?? 0), active.column + (step[1] ?? 0));
              }}
            />
          ))}
        </tbody>
      </table>
      <p className="visually-hidden">{`${count(rows.length)} of ${count(quarantine.total)} records. Arrow keys move, Enter edits a cell or opens a record, Space selects it.`}</p>
    </div>
  );
}
