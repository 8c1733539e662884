import { useVirtualizer } from '@tanstack/react-virtual';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';

import type { ChangedRow, Column } from '@/lib/api/types';
import { defaultWidth, isNumeric, typeMark, typeName } from '@/lib/cells';
import { count } from '@/lib/format';

import { diffCell, kindOf, type Sides } from '../diff-cells';
import { SIGNS } from './change-counts';
import { ChangedCell } from './changed-cell';
import { DiffValue } from './diff-value';

const ROW = 32;
const SIGN_WIDTH = 36;
const ROW_ID_WIDTH = 84;

interface DiffTableProps {
  dataset: string;
  from: number;
  to: number;
  columns: readonly Column[];
  /** Positions of the columns to show. */
  shown: readonly number[];
  sides: Sides;
  rows: readonly ChangedRow[];
  total: number;
  /** Called when the end of what is loaded comes near. */
  onNearEnd: () => void;
}

export function DiffTable({ dataset, from, to, columns, shown, sides, rows, total, onNearEnd }: DiffTableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  // eslint-disable-next-line react-hooks/incompatible-library -- the virtualizer changes in place; nothing memoised takes it
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => ROW, overscan: 12 });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const nearEnd = rows.length > 0 && last >= rows.length - 20;
  useEffect(() => {
    if (nearEnd) onNearEnd();
  }, [nearEnd, onNearEnd]);

  const changed = new Set(rows.flatMap((row) => row.changed));
  const widths = shown.map((at) => {
    const column = columns[at];
    if (!column) return 0;
    return changed.has(column.id) ? Math.min(380, defaultWidth(column) * 1.7) : defaultWidth(column);
  });
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  const span = shown.length + 2;
  return (
    <div className="diff" ref={scroller} role="region" aria-label={`Rows that differ between v${from} and v${to}`} tabIndex={0}>
      <table aria-rowcount={total + 1} style={{ width: widths.reduce((sum, width) => sum + width, SIGN_WIDTH + ROW_ID_WIDTH) }}>
        <colgroup>
          <col style={{ width: SIGN_WIDTH }} />
          <col style={{ width: ROW_ID_WIDTH }} />
          {shown.map((at, i) => <col key={at} style={{ width: widths[i] }} />)}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" className="sign"><span className="visually-hidden">Change</span></th>
            <th scope="col" className="rowid">Row id</th>
            {shown.map((at) => {
              const column = columns[at];
              return column ? <ColumnHead key={at} column={column} sides={sides} /> : null;
            })}
          </tr>
        </thead>
        <tbody>
          {before > 0 ? <tr className="space" aria-hidden><td colSpan={span} style={{ height: before }} /></tr> : null}
          {items.map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            const kind = kindOf(row);
            return (
              <tr key={row.row_id} className={kind} aria-rowindex={item.index + 2} data-row={row.row_id}>
                <td className="sign"><span aria-hidden>{SIGNS[kind]}</span><span className="visually-hidden">{kind}</span></td>
                <th scope="row" className="rowid">
                  <Link to="/datasets/$id" params={{ id: dataset }} search={{ version: kind === 'removed' ? from : to, row: Number(row.row_id) }} title="Show the whole row">{count(Number(row.row_id))}</Link>
                </th>
                {shown.map((at) => <DiffTd key={at} row={row} columns={columns} at={at} sides={sides} from={from} to={to} />)}
              </tr>
            );
          })}
          {after > 0 ? <tr className="space" aria-hidden><td colSpan={span} style={{ height: after }} /></tr> : null}
        </tbody>
      </table>
    </div>
  );
}

function ColumnHead({ column, sides }: { column: Column; sides: Sides }) {
  const only = !sides.before.has(column.id) ? '+' : !sides.after.has(column.id) ? '−' : null;
  return (
    <th scope="col" className={isNumeric(column.type) ? 'num' : ''} title={`${column.name} · ${typeName(column.type)}`}>
      <span className="mark" aria-hidden>{typeMark(column.type)}</span>
      {only ? <span aria-hidden>{only} </span> : null}
      {column.name}
      {only ? <span className="visually-hidden">, {only === '+' ? 'a new column' : 'a column that was removed'}</span> : null}
    </th>
  );
}

interface DiffTdProps {
  row: ChangedRow;
  columns: readonly Column[];
  at: number;
  sides: Sides;
  from: number;
  to: number;
}

function DiffTd({ row, columns, at, sides, from, to }: DiffTdProps) {
  const column = columns[at];
  const cell = diffCell(row, columns, at, sides);
  if (!column) return null;
  return (
    <td className={`${cell.kind} ${isNumeric(column.type) ? 'num' : ''}`} data-column={column.name}>
      {cell.kind === 'changed' ? <ChangedCell column={column} before={cell.before} after={cell.after} from={from} to={to} /> : null}
      {cell.kind === 'changed' || cell.kind === 'absent' ? null : <DiffValue value={cell.value} kind={column.type} />}
    </td>
  );
}
