// The rows of a comparison: a table of which only what is on screen is there, in both directions.
import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';

import type { ChangedRow, Column } from '@/lib/api/types';
import { defaultWidth, isNumeric, typeMark, typeName } from '@/lib/cells';

import type { Sides } from '../diff-cells';
import { BothValues, type Change } from './both-values';
import { DiffRow } from './diff-row';

const ROW = 32;
const SIGN_WIDTH = 36;
const ROW_ID_WIDTH = 84;
const FIXED = SIGN_WIDTH + ROW_ID_WIDTH;
/** Of a column with changed cells: two values and an arrow stand in each. */
const CHANGED_WIDTH_MAX = 380;

interface DiffTableProps {
  dataset: string;
  from: number;
  /** Null of what is not published yet. */
  to: number | null;
  columns: readonly Column[];
  /** Positions of the columns to show. */
  shown: readonly number[];
  sides: Sides;
  rows: readonly ChangedRow[];
  total: number;
  /** Called when the end of what is loaded comes near. */
  onNearEnd: () => void;
}

function useWidths(columns: readonly Column[], shown: readonly number[], rows: readonly ChangedRow[]): number[] {
  const changed = useMemo(() => new Set(rows.flatMap((row) => row.changed)), [rows]);
  return shown.map((at) => {
    const column = columns[at];
    if (!column) return 0;
    return changed.has(column.id) ? Math.min(CHANGED_WIDTH_MAX, defaultWidth(column) * 1.7) : defaultWidth(column);
  });
}

export function DiffTable({ dataset, from, to, columns, shown, sides, rows, total, onNearEnd }: DiffTableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const trigger = useRef<HTMLElement | null>(null);
  const [opened, setOpened] = useState<Change | null>(null);
  const open = useCallback((change: Change, element: HTMLElement) => {
    trigger.current = element;
    setOpened(change);
  }, []);
  const widths = useWidths(columns, shown, rows);
  // eslint-disable-next-line react-hooks/incompatible-library -- the virtualizers change in place; nothing memoised takes them
  const virtualRows = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => ROW, overscan: 12 });
  const virtualColumns = useVirtualizer({
    horizontal: true,
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: (i) => widths[i] ?? 104,
    paddingStart: FIXED,
    overscan: 2,
  });
  const widthsText = widths.join();
  useLayoutEffect(() => virtualColumns.measure(), [virtualColumns, widthsText]);

  const items = virtualRows.getVirtualItems();
  const nearEnd = rows.length > 0 && (items.at(-1)?.index ?? 0) >= rows.length - 20;
  useEffect(() => {
    if (nearEnd) onNearEnd();
  }, [nearEnd, onNearEnd, rows.length]);

  const onScreen = virtualColumns.getVirtualItems();
  const left = (onScreen[0]?.start ?? FIXED) - FIXED;
  const right = virtualColumns.getTotalSize() - (onScreen.at(-1)?.end ?? FIXED);
  const visibleText = onScreen.map(({ index }) => index).join();
  const visible = useMemo(
    () => (visibleText === '' ? [] : visibleText.split(',')).map(Number).flatMap((i) => (shown[i] === undefined ? [] : [{ shown: i, at: shown[i] }])),
    [visibleText, shown],
  );
  const [padLeft, padRight] = [left > 0, right > 0];
  const padded = useMemo(() => ({ left: padLeft, right: padRight }), [padLeft, padRight]);

  const before = items[0]?.start ?? 0;
  const after = virtualRows.getTotalSize() - (items.at(-1)?.end ?? 0);
  const span = visible.length + 2 + Number(padLeft) + Number(padRight);
  return (
    <div className="diff" ref={scroller} role="region" aria-label={to === null ? `Rows of v${from} that will differ` : `Rows that differ between v${from} and v${to}`} tabIndex={0}>
      <table aria-rowcount={total + 1} aria-colcount={shown.length + 2} style={{ width: virtualColumns.getTotalSize() }}>
        <colgroup>
          <col style={{ width: SIGN_WIDTH }} />
          <col style={{ width: ROW_ID_WIDTH }} />
          {padLeft ? <col style={{ width: left }} /> : null}
          {visible.map((one) => <col key={one.at} style={{ width: widths[one.shown] }} />)}
          {padRight ? <col style={{ width: right }} /> : null}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" className="sign" aria-colindex={1}><span className="visually-hidden">Change</span></th>
            <th scope="col" className="rowid" aria-colindex={2}>Row id</th>
            {padLeft ? <td className="pad" aria-hidden /> : null}
            {visible.map((one) => {
              const column = columns[one.at];
              return column ? <ColumnHead key={one.at} column={column} index={one.shown + 3} sides={sides} /> : null;
            })}
            {padRight ? <td className="pad" aria-hidden /> : null}
          </tr>
        </thead>
        <tbody>
          {before > 0 ? <tr className="space" aria-hidden><td colSpan={span} style={{ height: before }} /></tr> : null}
          {items.map(({ index }) => {
            const row = rows[index];
            return row ? (
              <DiffRow key={row.row_id} dataset={dataset} from={from} to={to} row={row} index={index} columns={columns} visible={visible} padded={padded} sides={sides} onOpen={open} />
            ) : null;
          })}
          {after > 0 ? <tr className="space" aria-hidden><td colSpan={span} style={{ height: after }} /></tr> : null}
        </tbody>
      </table>
      <BothValues change={opened} trigger={trigger} from={from} to={to} onClose={() => setOpened(null)} />
    </div>
  );
}

function ColumnHead({ column, index, sides }: { column: Column; index: number; sides: Sides }) {
  const only = !sides.before.has(column.id) ? '+' : !sides.after.has(column.id) ? '−' : null;
  return (
    <th scope="col" className={isNumeric(column.type) ? 'num' : ''} aria-colindex={index} title={`${column.name} · ${typeName(column.type)}`}>
      <span className="mark" aria-hidden>{typeMark(column.type)}</span>
      {only ? <span aria-hidden>{only} </span> : null}
      {column.name}
      {only ? <span className="visually-hidden">, {only === '+' ? 'a new column' : 'a column that was removed'}</span> : null}
    </th>
  );
}
