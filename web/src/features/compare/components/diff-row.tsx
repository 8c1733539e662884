import { Link } from '@tanstack/react-router';
import { memo } from 'react';

import type { ChangedRow, Column } from '@/lib/api/types';
import { isNumeric } from '@/lib/cells';
import { count } from '@/lib/format';

import { diffCell, kindOf, type Sides } from '../diff-cells';
import type { Change } from './both-values';
import { SIGNS } from './change-counts';
import { ChangedCell } from './changed-cell';
import { DiffValue } from './diff-value';

export interface DiffRowProps {
  dataset: string;
  from: number;
  /** Null of what is not published yet. */
  to: number | null;
  row: ChangedRow;
  /** Position among the rows that differ. */
  index: number;
  columns: readonly Column[];
  /** Which of them are on screen, by their position among those shown and in the comparison. */
  visible: readonly { shown: number; at: number }[];
  padded: { left: boolean; right: boolean };
  sides: Sides;
  onOpen: (change: Change, trigger: HTMLElement) => void;
}

/** Memoised: scrolling renders the rows that come, not those that stay. */
export const DiffRow = memo(function DiffRow({ dataset, from, to, row, index, columns, visible, padded, sides, onOpen }: DiffRowProps) {
  const kind = kindOf(row);
  return (
    <tr className={kind} aria-rowindex={index + 2} data-row={row.row_id}>
      <td className="sign" aria-colindex={1}>
        <span aria-hidden>{SIGNS[kind]}</span>
        <span className="visually-hidden">{kind}</span>
      </td>
      <th scope="row" className="rowid" aria-colindex={2}>
        <Link to="/datasets/$id" params={{ id: dataset }} search={{ version: kind === 'removed' || to === null ? from : to, row: Number(row.row_id) }} preload={false} title="Show the whole row">
          {count(Number(row.row_id))}
        </Link>
      </th>
      {padded.left ? <td className="pad" aria-hidden /> : null}
      {visible.map(({ shown, at }) => {
        const column = columns[at];
        const cell = diffCell(row, columns, at, sides);
        return column ? (
          <td key={at} className={`${cell.kind} ${isNumeric(column.type) ? 'num' : ''}`} aria-colindex={shown + 3} data-column={column.name}>
            {cell.kind === 'changed' ? <ChangedCell column={column} before={cell.before} after={cell.after} onOpen={onOpen} /> : null}
            {cell.kind === 'changed' || cell.kind === 'absent' ? null : <DiffValue value={cell.value} kind={column.type} />}
          </td>
        ) : null;
      })}
      {padded.right ? <td className="pad" aria-hidden /> : null}
    </tr>
  );
});
