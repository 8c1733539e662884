import type { ReactNode } from 'react';

import type { Column } from '@/lib/api/types';
import { isNumeric } from '@/lib/cells';
import { stats } from '@/lib/exact-sum';
import { count, plural } from '@/lib/format';

import { type Range, sizeOf } from '../selection';

/** Beyond this a sum would have to read too much: the foot then only counts. */
const SUM_CELLS_MAX = 100_000;

type CellsAt = (row: number) => readonly unknown[] | undefined;

interface GridFootProps {
  cellsAt: CellsAt;
  /** Rows that pass the filter. */
  shown: number;
  columns: readonly Column[];
  range: Range | null;
  allRows: number;
  filtered: boolean;
  version: number;
}

function values(cellsAt: CellsAt, columns: readonly Column[], range: Range): unknown[] | null {
  const out: unknown[] = [];
  for (let row = range.top; row <= range.bottom; row += 1) {
    const cells = cellsAt(row);
    if (!cells) return null;
    for (let column = range.left; column <= range.right; column += 1) {
      const kind = columns[column]?.type;
      if (kind && isNumeric(kind)) out.push(cells[column]);
    }
  }
  return out;
}

const Figure = ({ name, children }: { name: string; children: ReactNode }) => (
  <span>
    {name} <b>{children}</b>
  </span>
);

/** Always the total; for a selection its count, sum, average, least and greatest. */
export function GridFoot({ cellsAt, shown, columns, range, allRows, filtered, version }: GridFootProps) {
  const size = range ? sizeOf(range) : 0;
  const numbers = range && size > 1 && size <= SUM_CELLS_MAX ? values(cellsAt, columns, range) : null;
  const figures = numbers ? stats(numbers) : null;
  return (
    <div className="grid-foot" role="status" tabIndex={0} aria-label="Totals">
      {filtered ? (
        <span>
          <b>{count(shown)}</b> of <span data-testid="total">{plural(allRows, 'row')}</span>
        </span>
      ) : (
        <b data-testid="total">{plural(allRows, 'row')}</b>
      )}
      <span className="desk-only">{plural(columns.length, 'column')}</span>
      <span className="spacer" />
      {size > 1 ? <Figure name="Cells">{count(size)}</Figure> : null}
      {figures ? (
        <>
          <Figure name="Sum">{figures.sum}</Figure>
          <Figure name="Average">{figures.avg}</Figure>
          <Figure name="Min">{figures.min}</Figure>
          <Figure name="Max">{figures.max}</Figure>
        </>
      ) : null}
      <span>v{version}</span>
    </div>
  );
}
