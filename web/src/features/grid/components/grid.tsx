// The grid: an ARIA grid of its own, because it must show any of millions of rows and hundreds of columns with the keyboard in
// full. Rows are windowed by `use-scaled-scroll.ts` (a browser cannot scroll so far), columns by TanStack Virtual; widths and sort
// are TanStack Table's state. Cells come from `page-cache.ts`; what is not there yet is a quiet bar.
import {
  columnResizingFeature, columnSizingFeature, createColumnHelper, rowSortingFeature, type SortingState, tableFeatures, useTable,
} from '@tanstack/react-table';
import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, ArrowUp, CircleAlert, ListFilter } from 'lucide-react';
import { type KeyboardEvent, type PointerEvent, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';

import { Button } from '@/components/button';
import { CellEditor } from '@/features/edit/components/cell-editor';
import { SessionBar } from '@/features/edit/components/session-bar';
import { findRow } from '@/features/edit/find-row';
import { isLocal } from '@/features/edit/session';
import { byCell, problemAt } from '@/features/edit/shown-rows';
import { type Editing, rememberCopied, useCellEditing } from '@/features/edit/use-cell-editing';
import { reasonOf } from '@/lib/api/problem';
import type { Column, Row } from '@/lib/api/types';
import { cellText, defaultWidth, isNumeric, typeMark, typeName } from '@/lib/cells';
import { count } from '@/lib/format';
import { isWidths, readStored, store } from '@/lib/stored';

import type { PageCache } from '../page-cache';
import { type Cell, move, rangeOf, type Selection, single, sizeOf, toTsv } from '../selection';
import { type GridSort, toggled } from '../sort';
import { useScaledScroll } from '../use-scaled-scroll';
import { CellPopover, type OpenCell } from './cell-popover';
import { CellText } from './cell-text';
import { GridFoot } from './grid-foot';
import '../grid.css';

const ROW = 32;
const HEADER = 36;
const OVERSCAN = 6;
/** The most cells that a copy reads. */
const COPY_CELLS_MAX = 500_000;

interface GridProps {
  dataset: string;
  label: string;
  version: number;
  columns: readonly Column[];
  cache: PageCache;
  allRows: number;
  filtered: boolean;
  sort: readonly GridSort[];
  onSort: (sort: readonly GridSort[]) => void;
  /** Columns that the filter is about. */
  filteredBy: ReadonlySet<string>;
  /** Opens the filter's builder on a column. */
  onFilterColumn: (column: string) => void;
  onFilter: (column: string, value: string | number | boolean) => void;
  onOpenRow: (rowId: string) => void;
  /** The session that changes these rows; null while they are only read. */
  editing: Editing | null;
}

const isInEditor = (target: EventTarget | null): boolean => target instanceof Element && target.closest('.cell-editor') !== null;
const wasText = (before: unknown): string => (before === null || before === undefined ? 'null' : before === '' ? 'empty' : cellText(before).slice(0, 200));

const features = tableFeatures({ columnSizingFeature, columnResizingFeature, rowSortingFeature });
const helper = createColumnHelper<typeof features, Row>();
const NO_ROWS: Row[] = [];

export function Grid({ dataset, label, version, columns, cache, allRows, filtered, sort, onSort, filteredBy, onFilterColumn, onFilter, onOpenRow, editing }: GridProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [selection, setSelection] = useState<Selection>(() => single({ row: 0, column: 0 }));
  const [openCell, setOpenCell] = useState<OpenCell | null>(null);
  const [notice, setNotice] = useState('');
  const anchor = useRef<Element>(null);
  const wantsFocus = useRef(false);
  const dragging = useRef(false);

  const widthsKey = `widths.${dataset}`;
  const columnDefs = useMemo(
    () => columns.map((column) => helper.display({ id: column.id, header: column.name, size: defaultWidth(column), minSize: 56, maxSize: 900, enableSorting: true })),
    [columns],
  );
  const sorting: SortingState = useMemo(() => sort.map(({ column, desc }) => ({ id: column, desc })), [sort]);
  const table = useTable({
    features,
    columns: columnDefs,
    data: NO_ROWS,
    columnResizeMode: 'onChange',
    initialState: { columnSizing: readStored(widthsKey, {}, isWidths) },
    state: { sorting },
    manualSorting: true,
  });
  const sizing = table.state.columnSizing;
  const resizing = table.state.columnResizing.isResizingColumn;
  const headers = table.getHeaderGroups()[0]?.headers ?? [];
  useEffect(() => {
    if (Object.keys(sizing).length > 0 && resizing === false) store(widthsKey, sizing);
  }, [sizing, resizing, widthsKey]);

  const total = cache.total + (editing?.session.added.size ?? 0);
  const gutter = Math.max(48, 22 + count(Math.max(total, 1)).length * 7.6);
  const scroll = useScaledScroll(scroller, total * ROW + 2, HEADER);
  const widths = columns.map((column) => sizing[column.id] ?? defaultWidth(column));
  // eslint-disable-next-line react-hooks/incompatible-library -- the virtualizer changes in place; nothing memoised takes it
  const virtualColumns = useVirtualizer({
    horizontal: true,
    count: columns.length,
    getScrollElement: () => scroller.current,
    estimateSize: (i) => widths[i] ?? 104,
    paddingStart: gutter,
    overscan: 3,
    // The active column stays, also off screen: its cell holds the focus.
    rangeExtractor: (range) => [...new Set([...defaultRangeExtractor(range), ...(selection.active.column >= 0 ? [selection.active.column] : [])])].sort((a, b) => a - b),
  });
  const widthsText = widths.join();
  useLayoutEffect(() => virtualColumns.measure(), [virtualColumns, widthsText, gutter]);
  const totalWidth = virtualColumns.getTotalSize();
  const shown = virtualColumns.getVirtualItems();

  const first = Math.max(0, Math.floor(scroll.top / ROW) - OVERSCAN);
  const last = Math.min(total - 1, Math.ceil((scroll.top + scroll.viewport) / ROW) + OVERSCAN);
  useEffect(() => cache.want(first, last), [cache, first, last]);
  const rowsShown = useMemo(() => {
    const rows: number[] = [];
    for (let row = first; row <= last; row += 1) rows.push(row);
    const { row } = selection.active;
    if (row >= 0 && row < total && (row < first || row > last)) rows.push(row);
    return rows;
  }, [first, last, selection.active, total]);

  const reveal = useCallback(
    (cell: Cell) => {
      if (cell.row >= 0) {
        const top = cell.row * ROW;
        if (top < scroll.top) scroll.scrollTo(top);
        else if (top + ROW > scroll.top + scroll.viewport) scroll.scrollTo(top + ROW - scroll.viewport);
      }
      const element = scroller.current;
      const left = cell.column < 0 ? 0 : widths.slice(0, cell.column).reduce((sum, width) => sum + width, 0);
      const width = cell.column < 0 ? 0 : (widths[cell.column] ?? 0);
      if (!element || cell.column < 0) return;
      if (left < element.scrollLeft) element.scrollLeft = left;
      else if (left + width + gutter > element.scrollLeft + element.clientWidth) element.scrollLeft = left + width + gutter - element.clientWidth;
    },
    [scroll, widths, gutter],
  );

  const go = useCallback(
    (cell: Cell, extend: boolean) => {
      wantsFocus.current = true;
      setSelection((before) => (extend && cell.row >= 0 && before.anchor.row >= 0 ? { active: cell, anchor: before.anchor } : single(cell)));
      reveal(cell);
    },
    [reveal],
  );

  // The focus follows the active cell once it is drawn.
  useLayoutEffect(() => {
    if (!wantsFocus.current) return;
    const { row, column } = selection.active;
    const element = scroller.current?.querySelector<HTMLElement>(`[data-cell="${row}:${column}"]`);
    if (element) {
      wantsFocus.current = false;
      // Once more, because a row that was just added was not yet there to go to.
      reveal(selection.active);
      element.focus({ preventScroll: true });
    }
  });

  const range = rangeOf(selection, columns.length);
  const edit = useCellEditing({ editing, cache, columns, range, active: selection.active, go, say: setNotice });
  const bad = useMemo(() => byCell(editing?.bad ?? []), [editing?.bad]);
  const { rowAt } = edit;

  const toggleSort = (column: string, add: boolean): void => onSort(toggled(sort, column, add));

  const open = (cell: Cell): void => {
    const row = rowAt(cell.row);
    if (!row) return;
    if (cell.column < 0 || window.matchMedia('(max-width: 720px)').matches) {
      onOpenRow(row.rowId);
      return;
    }
    const column = columns[cell.column];
    anchor.current = scroller.current?.querySelector(`[data-cell="${cell.row}:${cell.column}"]`) ?? null;
    if (column && anchor.current) setOpenCell({ rowId: row.rowId, column, value: row.cells[cell.column] });
  };

  const openOrEdit = (cell: Cell): void => {
    if (editing === null || cell.column < 0 || window.matchMedia('(max-width: 720px)').matches) open(cell);
    else edit.open(cell);
  };

  const copy = async (): Promise<void> => {
    if (!range) return;
    if (sizeOf(range) > COPY_CELLS_MAX) {
      setNotice(`Copy takes up to ${count(COPY_CELLS_MAX)} cells; select fewer rows.`);
      return;
    }
    const values = (await edit.load(range.top, range.bottom)).map((row) => row.cells.slice(range.left, range.right + 1));
    const text = toTsv(values.map((row) => row.map(cellText)));
    rememberCopied(text, values);
    await navigator.clipboard.writeText(text);
    setNotice(`Copied ${count(sizeOf(range))} ${sizeOf(range) === 1 ? 'cell' : 'cells'}.`);
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    // The editor has its own keys; the page's go on to the page.
    if (isInEditor(event.target)) return;
    const ctrl = event.ctrlKey || event.metaKey;
    const { active } = selection;
    const under = columns[active.column];
    if (event.altKey && event.key === 'ArrowDown' && active.row < 0 && under) {
      event.preventDefault();
      onFilterColumn(under.id);
      return;
    }
    if (event.altKey || edit.onKey(event)) return;
    if (ctrl && event.key.toLowerCase() === 'c') {
      event.preventDefault();
      void copy().catch(() => setNotice('The cells could not be copied.'));
      return;
    }
    if (ctrl && event.key.toLowerCase() === 'a' && total > 0) {
      event.preventDefault();
      setSelection({ active: { row: total - 1, column: columns.length - 1 }, anchor: { row: 0, column: 0 } });
      return;
    }
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      const column = columns[active.column];
      if (active.row < 0 && column) toggleSort(column.id, event.shiftKey);
      else if (active.row >= 0) open(active);
      return;
    }
    if (event.key === 'Escape' && range && sizeOf(range) > 1) {
      setSelection(single(active));
      return;
    }
    const column = columns[active.column];
    if (active.row < 0 && column && event.shiftKey && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) {
      // Shift and arrows on a header make its column narrower or wider.
      event.preventDefault();
      const width = (widths[active.column] ?? 104) + (event.key === 'ArrowRight' ? 16 : -16);
      table.setColumnSizing((before) => ({ ...before, [column.id]: Math.min(900, Math.max(56, width)) }));
      return;
    }
    const to = move(active, event.key, ctrl, { rows: total, columns: columns.length, page: Math.max(1, Math.floor(scroll.viewport / ROW) - 1) });
    if (to) {
      event.preventDefault();
      go(to, event.shiftKey);
    }
  };

  const cellAt = (target: EventTarget | null): Cell | null => {
    const at = target instanceof Element ? target.closest<HTMLElement>('[data-cell]')?.dataset.cell : undefined;
    const [row, column] = at?.split(':').map(Number) ?? [];
    return row === undefined || column === undefined ? null : { row, column };
  };

  const onPointerDown = (event: PointerEvent): void => {
    const cell = cellAt(event.target);
    if (!cell || cell.row < 0 || event.button !== 0 || isInEditor(event.target)) return;
    if (event.pointerType === 'mouse') {
      event.preventDefault();
      dragging.current = true;
      go(cell, event.shiftKey);
    }
  };
  const onPointerOver = (event: PointerEvent): void => {
    if (!dragging.current) return;
    const cell = cellAt(event.target);
    if (cell && cell.row >= 0) setSelection((before) => ({ active: cell, anchor: before.anchor }));
  };
  useEffect(() => {
    const stop = (): void => {
      dragging.current = false;
    };
    window.addEventListener('pointerup', stop);
    return () => window.removeEventListener('pointerup', stop);
  }, []);

  const isActive = (row: number, column: number): boolean => selection.active.row === row && selection.active.column === column;
  const tab = (row: number, column: number): number => (isActive(row, column) ? 0 : -1);
  const cellsAt = useCallback((row: number) => rowAt(row)?.cells, [rowAt]);

  const jump = editing?.jump ?? null;
  const jumped = useRef(jump);
  useEffect(() => {
    if (jump === null || jumped.current === jump) return;
    jumped.current = jump;
    const column = Math.max(0, columns.findIndex(({ id }) => id === jump.column));
    if (isLocal(jump.row)) {
      go({ row: cache.total + [...(editing?.session.added.keys() ?? [])].indexOf(jump.row), column }, false);
    } else if (sort.length > 0 || filtered) {
      // Where it stands in this order is not known; the row itself always opens.
      onOpenRow(jump.row);
    } else {
      const idAt = async (position: number): Promise<string | undefined> => (await cache.load(position, position, new AbortController().signal))[0]?.row_id;
      findRow(jump.row, cache.total, idAt).then(
        (row) => (row === null ? onOpenRow(jump.row) : go({ row, column }, false)),
        () => onOpenRow(jump.row),
      );
    }
  }, [jump, cache, columns, editing, sort, filtered, go, onOpenRow]);

  return (
    <div className="grid-wrap">
      {editing ? <SessionBar editing={editing} edit={edit} onOpenRow={onOpenRow} /> : null}
      <div
        ref={scroller}
        className="grid"
        role="grid"
        aria-label={label}
        aria-rowcount={total + 1}
        aria-colcount={columns.length + 1}
        aria-multiselectable="true"
        aria-readonly={editing === null}
        aria-busy={rowsShown.some((row) => rowAt(row) === undefined)}
        onKeyDown={onKeyDown}
        onPaste={edit.onPaste}
        onPointerDown={onPointerDown}
        onPointerOver={onPointerOver}
        onDoubleClick={(event) => {
          const cell = cellAt(event.target);
          if (cell && cell.row >= 0 && !isInEditor(event.target)) openOrEdit(cell);
        }}
        onClick={(event) => {
          const cell = cellAt(event.target);
          if (cell && cell.row >= 0 && !isInEditor(event.target) && window.matchMedia('(pointer: coarse), (max-width: 720px)').matches) {
            setSelection(single(cell));
            openOrEdit(cell);
          }
        }}
      >
        <div className="grid-spacer" role="presentation" style={{ height: scroll.physicalHeight + HEADER, width: totalWidth }}>
          <div className="grid-layer" role="presentation" style={{ width: totalWidth, height: scroll.viewport + HEADER }}>
            <div className="grid-head" role="row" aria-rowindex={1} style={{ width: totalWidth }}>
              <div className={`grid-corner ${isActive(-1, -1) ? 'active' : ''}`} role="columnheader" aria-colindex={1} aria-label="Position" data-cell="-1:-1" tabIndex={tab(-1, -1)} style={{ width: gutter }} />
              {shown.map((item) => {
                const column = columns[item.index];
                const header = headers[item.index];
                if (!column || !header) return null;
                const sorted = header.column.getIsSorted();
                const key = sort.findIndex((other) => other.column === column.id) + 1;
                return (
                  <div
                    key={column.id}
                    role="columnheader"
                    aria-colindex={item.index + 2}
                    aria-sort={sorted === 'asc' ? 'ascending' : sorted === 'desc' ? 'descending' : 'none'}
                    title={`${column.name}: ${typeName(column.type)}${column.null_token ? `, null is written ${column.null_token}` : ''}. Click or Enter to sort, with Shift to sort by one more; Alt ↓ to filter.`}
                    data-cell={`-1:${item.index}`}
                    tabIndex={tab(-1, item.index)}
                    className={`grid-th ${isActive(-1, item.index) ? 'active' : ''}`}
                    style={{ left: item.start, width: item.size }}
                    onClick={(event) => {
                      go({ row: -1, column: item.index }, false);
                      toggleSort(column.id, event.shiftKey);
                    }}
                  >
                    <span className="mark" aria-hidden>
                      {typeMark(column.type)}
                    </span>
                    <span className="name">{column.name}</span>
                    <span
                      className={`filter ${filteredBy.has(column.id) ? 'on' : ''}`}
                      aria-hidden
                      title={`Filter ${column.name}`}
                      onClick={(event) => {
                        event.stopPropagation();
                        onFilterColumn(column.id);
                      }}
                    >
                      <ListFilter size={13} />
                    </span>
                    {sorted === false ? null : <span className="sort">{sort.length > 1 ? <sub aria-hidden>{key}</sub> : null}{sorted === 'asc' ? <ArrowUp size={14} aria-hidden /> : <ArrowDown size={14} aria-hidden />}</span>}
                    <span
                      className={`handle ${resizing === column.id ? 'on' : ''}`}
                      aria-hidden
                      onClick={(event) => event.stopPropagation()}
                      onMouseDown={(event) => header.getResizeHandler()(event)}
                      onTouchStart={(event) => header.getResizeHandler()(event)}
                      onDoubleClick={() => table.setColumnSizing((before) => ({ ...before, [column.id]: defaultWidth(column) }))}
                    />
                  </div>
                );
              })}
            </div>
            <div className="grid-body" role="rowgroup">
              {rowsShown.map((row) => {
                const data = rowAt(row);
                const inRange = range !== null && row >= range.top && row <= range.bottom;
                const open = edit.editor?.cell.row === row ? edit.editor : null;
                return (
                  <div key={row} className={`grid-row ${data?.mark ?? ''} ${open ? 'editing' : ''}`} role="row" aria-rowindex={row + 2} style={{ transform: `translateY(${row * ROW - scroll.top}px)`, width: totalWidth }}>
                    <div role="rowheader" aria-colindex={1} data-cell={`${row}:-1`} tabIndex={tab(row, -1)} className={`grid-gutter ${inRange ? 'in' : ''} ${isActive(row, -1) ? 'active' : ''}`} style={{ width: gutter }}>
                      {count(row + 1)}
                    </div>
                    {shown.map((item) => {
                      const column = columns[item.index];
                      if (!column) return null;
                      const selected = inRange && item.index >= range.left && item.index <= range.right;
                      const many = range !== null && sizeOf(range) > 1;
                      const change = data?.changed?.get(column.id);
                      const wrong = editing && data ? problemAt(data, column, item.index, bad) : null;
                      return (
                        <div
                          key={column.id}
                          role="gridcell"
                          aria-colindex={item.index + 2}
                          aria-selected={selected}
                          data-cell={`${row}:${item.index}`}
                          tabIndex={tab(row, item.index)}
                          aria-invalid={wrong === null ? undefined : true}
                          aria-description={wrong ?? (change ? `was ${wasText(change.before)}` : undefined)}
                          title={wrong ?? (change ? `Was ${wasText(change.before)}` : undefined)}
                          className={`grid-cell ${isNumeric(column.type) ? 'num' : ''} ${selected && many ? 'in' : ''} ${isActive(row, item.index) ? 'active' : ''} ${change ? 'changed' : ''} ${wrong === null ? '' : 'wrong'}`}
                          style={{ left: item.start, width: item.size }}
                        >
                          {open?.cell.column === item.index ? <CellEditor key={`${row}:${item.index}`} editor={open} up={(row + 1) * ROW - scroll.top > scroll.viewport - 140} onClose={edit.close} /> : null}
                          {data ? <CellText value={data.cells[item.index]} kind={column.type} /> : <div className="grid-bone" style={{ width: `${35 + ((row * 7 + item.index * 13) % 45)}%` }} />}
                        </div>
                      );
                    })}
                  </div>
                );
              })}
            </div>
          </div>
        </div>
      </div>
      {cache.error === null ? null : (
        <div className="notice bad grid-error" role="alert">
          <CircleAlert size={16} aria-hidden />
          <span className="grow">These rows could not be read. {reasonOf(cache.error)}</span>
          <Button size="tiny" onPress={() => cache.retry()}>
            Try again
          </Button>
        </div>
      )}
      <div className="visually-hidden" aria-live="polite">
        {notice}
      </div>
      <GridFoot cellsAt={cellsAt} shown={cache.total} columns={columns} range={range} allRows={allRows} filtered={filtered} version={version} />
      {openCell ? (
        <CellPopover
          cell={openCell}
          dataset={dataset}
          version={version}
          anchor={anchor}
          onClose={() => {
            setOpenCell(null);
            wantsFocus.current = true;
          }}
          onFilter={(column, value) => {
            setOpenCell(null);
            onFilter(column, value);
          }}
          onOpenRow={(rowId) => {
            setOpenCell(null);
            onOpenRow(rowId);
          }}
        />
      ) : null}
    </div>
  );
}
