// The active cell and the range that hangs on it. Row -1 is the header, column -1 the gutter.

export interface Cell {
  row: number;
  column: number;
}

export interface Selection {
  active: Cell;
  /** The other corner of the range. */
  anchor: Cell;
}

export interface Extent {
  rows: number;
  columns: number;
  /** Rows that fit on a screen. */
  page: number;
}

export interface Range {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

export const single = (cell: Cell): Selection => ({ active: cell, anchor: cell });

/** The range of data cells; a gutter cell stands for its whole row. */
export function rangeOf({ active, anchor }: Selection, columns: number): Range | null {
  if (active.row < 0 || anchor.row < 0) return null;
  const whole = active.column < 0 || anchor.column < 0;
  return {
    top: Math.min(active.row, anchor.row),
    bottom: Math.max(active.row, anchor.row),
    left: whole ? 0 : Math.min(active.column, anchor.column),
    right: whole ? columns - 1 : Math.max(active.column, anchor.column),
  };
}

export const sizeOf = (range: Range): number => (range.bottom - range.top + 1) * (range.right - range.left + 1);

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), Math.max(low, high));

/** Where a key takes the active cell; null when the key is not about moving. */
export function move(from: Cell, key: string, ctrl: boolean, extent: Extent): Cell | null {
  const lastRow = extent.rows - 1;
  const lastColumn = extent.columns - 1;
  const to = (row: number, column: number): Cell => ({ row: clamp(row, -1, lastRow), column: clamp(column, -1, lastColumn) });
  switch (key) {
    case 'ArrowUp':
      return to(ctrl ? 0 : from.row - 1, from.column);
    case 'ArrowDown':
      return to(ctrl ? lastRow : from.row + 1, from.column);
    case 'ArrowLeft':
      return to(from.row, ctrl ? 0 : from.column - 1);
    case 'ArrowRight':
      return to(from.row, ctrl ? lastColumn : from.column + 1);
    case 'Home':
      return ctrl ? to(Math.min(0, lastRow), 0) : to(from.row, 0);
    case 'End':
      return ctrl ? to(lastRow, lastColumn) : to(from.row, lastColumn);
    case 'PageUp':
      return to(Math.max(0, from.row - extent.page), from.column);
    case 'PageDown':
      return to(from.row + extent.page, from.column);
    default:
      return null;
  }
}

/** Cells as Excel and Sheets take them: tabs and lines, quoted where a cell holds either. */
export function toTsv(rows: readonly (readonly string[])[]): string {
  const cell = (text: string): string => (/["\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return rows.map((row) => row.map(cell).join('\t')).join('\n');
}
