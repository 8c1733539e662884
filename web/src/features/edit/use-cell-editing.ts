// What keys, paste and the toolbar do to the cells of the grid while a session is on. The grid keeps the selection; this turns it
// into actions of the session.
import { type ClipboardEvent, type KeyboardEvent, useCallback, useMemo, useState } from 'react';

import type { PageCache } from '@/features/grid/page-cache';
import type { Cell, Range } from '@/features/grid/selection';
import { api, unwrap } from '@/lib/api/client';
import type { Column, Dataset } from '@/lib/api/types';
import { cellText, isCut } from '@/lib/cells';
import { count, plural } from '@/lib/format';
import { notify } from '@/lib/notices';

import { type CellEdit, type Cells, type DeletedRow, type EditValue, isLocal, nameOfRow, type Session } from './session';
import type { BadCell, SessionStore } from './session-store';
import { newRow, shownRow, type ShownRow } from './shown-rows';
import { fromTsv } from './tsv';
import { readTyped } from './values';

/** The most cells that one step changes: a browser remembers a few million characters. */
const STEP_CELLS_MAX = 20_000;
/** Cells of a deleted row that are kept for the review. */
const DELETED_CELLS = 8;

export interface Editing {
  store: SessionStore;
  session: Session;
  /** The dataset as it is by now: others may publish meanwhile. */
  head: Dataset;
  bad: readonly BadCell[];
  /** A cell that somebody asked to see. */
  jump: { row: string; column: string | null } | null;
}

export interface OpenEditor {
  cell: Cell;
  rowId: string;
  column: Column;
  /** As the session has it, whole. */
  value: unknown;
  /** As the base version has it, whole. */
  before: unknown;
  /** What was typed to open it; null to begin with the value. */
  typed: string | null;
}

/** Where the active cell goes after an editor closes. */
export type After = 'down' | 'up' | 'right' | 'left' | 'stay';

/** What did not happen must be seen, not only heard. */
const warn = (text: string): void => notify({ text, bad: true });

/** What was copied here last, so that null stays null when it is pasted here. */
let copied: { text: string; values: readonly (readonly EditValue[])[] } | null = null;

export function rememberCopied(text: string, values: readonly (readonly unknown[])[]): void {
  copied = { text, values: values.map((row) => row.map((value) => (value === null || value === undefined ? null : cellText(value)))) };
}

async function wholeCell(dataset: string, version: number, rowId: string, column: string): Promise<unknown> {
  const path = { id: dataset, row_id: rowId, column_id: column };
  const answer = await unwrap(api.GET('/api/v1/datasets/{id}/rows/{row_id}/cells/{column_id}', { params: { path, query: { version } } }));
  return answer.value;
}

interface Options {
  editing: Editing | null;
  cache: PageCache;
  columns: readonly Column[];
  range: Range | null;
  active: Cell;
  go: (cell: Cell, extend: boolean) => void;
  say: (notice: string) => void;
}

export interface CellEditing {
  /** Rows with the new ones. */
  total: number;
  rowAt: (index: number) => ShownRow | undefined;
  /** Rows [first, last] as they are shown, fetched where they are missing. */
  load: (first: number, last: number) => Promise<ShownRow[]>;
  editor: OpenEditor | null;
  open: (cell: Cell, typed?: string | null) => void;
  close: (value: EditValue | undefined, after: After) => void;
  /** True when the key was about editing. */
  onKey: (event: KeyboardEvent) => boolean;
  onPaste: (event: ClipboardEvent) => void;
  addRow: () => void;
  deleteRows: () => void;
}

export function useCellEditing({ editing, cache, columns, range, active, go, say }: Options): CellEditing {
  const [editor, setEditor] = useState<OpenEditor | null>(null);
  const session = editing?.session ?? null;
  const store = editing?.store ?? null;
  const locked = session?.sent !== null;
  const added = useMemo(() => [...(session?.added.keys() ?? [])], [session?.added]);
  const base = cache.total;
  const total = base + added.length;

  const rowAt = useCallback(
    (index: number): ShownRow | undefined => {
      if (index < base) {
        const row = cache.row(index);
        return row && shownRow(row, columns, session);
      }
      const id = added[index - base];
      return id !== undefined && session ? newRow(id, columns, session) : undefined;
    },
    [cache, base, columns, session, added],
  );

  const open = (cell: Cell, typed: string | null = null): void => {
    const row = rowAt(cell.row);
    const column = columns[cell.column];
    if (locked || !row || !column || row.mark === 'deleted') return;
    const raw: unknown = cell.row < base ? cache.row(cell.row)?.cells[cell.column] : null;
    const value = row.cells[cell.column];
    const common = { cell, rowId: row.rowId, column, typed };
    if (!isCut(raw)) {
      setEditor({ ...common, value, before: raw });
      return;
    }
    say('Reading the whole cell…');
    wholeCell(session.dataset, session.baseVersion, row.rowId, column.id).then(
      (whole) => {
        say('');
        setEditor({ ...common, value: isCut(value) ? whole : value, before: whole });
      },
      () => warn('The whole cell could not be read, so it cannot be changed here. Try again.'),
    );
  };

  const close = (value: EditValue | undefined, after: After): void => {
    if (!editor) return;
    setEditor(null);
    const { cell, rowId, column, before } = editor;
    if (value !== undefined) {
      const names = isLocal(rowId) ? [] : [[rowId, nameOfRow(cache.row(cell.row)?.cells ?? [])] as const];
      store?.dispatch({ type: 'set', cells: [{ row: rowId, column: column.id, before, after: value }], names });
    }
    const to: Record<After, Cell> = {
      stay: cell,
      down: { row: Math.min(cell.row + 1, total - 1), column: cell.column },
      up: { row: Math.max(cell.row - 1, 0), column: cell.column },
      right: { row: cell.row, column: Math.min(cell.column + 1, columns.length - 1) },
      left: { row: cell.row, column: Math.max(cell.column - 1, 0) },
    };
    go(to[after], false);
  };

  /** Rows as the base has them, and new ones; what is missing is fetched. */
  const rawRows = async (first: number, last: number): Promise<{ row: string; cells: readonly unknown[] }[]> => {
    const rows: { row: string; cells: readonly unknown[] }[] = [];
    if (first < base) {
      const loaded = await cache.load(first, Math.min(last, base - 1), new AbortController().signal);
      rows.push(...loaded.map((row) => ({ row: row.row_id, cells: row.cells })));
    }
    for (const id of added.slice(Math.max(0, first - base), Math.max(0, last + 1 - base))) rows.push({ row: id, cells: [] });
    return rows;
  };

  const load = async (first: number, last: number): Promise<ShownRow[]> => {
    const rows = first < base ? await cache.load(first, Math.min(last, base - 1), new AbortController().signal) : [];
    const below = added.slice(Math.max(0, first - base), Math.max(0, last + 1 - base));
    return [...rows.map((row) => shownRow(row, columns, session)), ...below.flatMap((id) => (session && newRow(id, columns, session)) ?? [])];
  };

  const run = (work: () => Promise<void>): void => {
    if (locked) return;
    work().catch(() => warn('The rows could not be read, so nothing was changed. Try again.'));
  };

  /** Sets cells of the rows from `top`, as `valueAt` says; undefined leaves a cell alone. */
  const fill = (area: Range, valueAt: (row: number, column: Column, at: number) => EditValue | undefined, more: readonly Cells[] = []): void =>
    run(async () => {
      const size = (area.bottom - area.top + 1) * (area.right - area.left + 1);
      if (size > STEP_CELLS_MAX) {
        warn(`Up to ${count(STEP_CELLS_MAX)} cells are changed at a time; these are ${count(size)}.`);
        return;
      }
      const rows = area.bottom < area.top ? [] : await rawRows(area.top, area.bottom);
      const cells: CellEdit[] = [];
      for (const [i, { row, cells: raw }] of rows.entries()) {
        if (session?.deleted.has(row)) continue;
        for (let at = area.left; at <= area.right; at += 1) {
          const column = columns[at];
          const after = column && valueAt(i, column, at - area.left);
          if (column && after !== undefined) cells.push({ row, column: column.id, before: raw[at] ?? null, after });
        }
      }
      store?.dispatch({ type: 'set', cells, added: more, names: rows.filter(({ row }) => !isLocal(row)).map(({ row, cells: raw }) => [row, nameOfRow(raw)] as const) });
    });

  const paste = (text: string): void => {
    if (!range || text === '') return;
    const own = copied !== null && copied.text === text.replaceAll('\r\n', '\n') ? copied.values : null;
    const block: readonly (readonly EditValue[])[] = own ?? fromTsv(text);
    const height = block.length;
    const width = Math.max(0, ...block.map((row) => row.length));
    if (height === 0 || width === 0) return;
    const read = (value: EditValue | undefined, column: Column): EditValue | undefined => (value === undefined || value === null || own ? value : readTyped(column, value));
    if (height === 1 && width === 1) {
      fill(range, (_, column) => read(block[0]?.[0], column));
      return;
    }
    const { top, left } = range;
    const right = Math.min(columns.length - 1, left + width - 1);
    // Lines below the last row become new rows.
    const inside = Math.min(height, total - top);
    const more = block.slice(inside).map((line): Cells =>
      Object.fromEntries(columns.slice(left, right + 1).flatMap((column, i) => {
        const value = read(line[i], column);
        return value === undefined ? [] : [[column.id, value]];
      })),
    );
    fill({ top, left, right, bottom: top + inside - 1 }, (row, column, at) => read(block[row]?.[at], column), more);
    const cut = left + width - 1 - right;
    say(`Pasted ${plural(height, 'row')}${more.length > 0 ? `, ${count(more.length)} of them new` : ''}.`);
    if (cut > 0) warn(`Pasted, but for ${plural(cut, 'column')} beyond the last one of this dataset.`);
  };

  const fillDown = (): void => {
    if (!range || range.bottom === range.top) return;
    const first = rowAt(range.top);
    if (!first) return;
    const values = first.cells.slice(range.left, range.right + 1);
    if (values.some(isCut)) {
      warn('A cell this long is not filled down. Open it and copy its text.');
      return;
    }
    fill({ ...range, top: range.top + 1 }, (_, __, at) => {
      const value = values[at];
      return value === null || value === undefined ? null : cellText(value);
    });
  };

  const addRow = (): void => {
    if (locked) return;
    store?.dispatch({ type: 'set', cells: [], added: [{}] });
    go({ row: total, column: 0 }, false);
  };

  const deleteRows = (): void =>
    run(async () => {
      if (!range) return;
      const size = range.bottom - range.top + 1;
      if (size > STEP_CELLS_MAX) {
        warn(`Up to ${count(STEP_CELLS_MAX)} rows are deleted at a time; these are ${count(size)}.`);
        return;
      }
      const rows = (await rawRows(range.top, range.bottom)).map(({ row, cells }): DeletedRow => ({ row, cells: cells.slice(0, DELETED_CELLS).map((value) => (isCut(value) ? value.cut.slice(0, 80) : value)) }));
      const all = rows.every(({ row }) => session?.deleted.has(row));
      // Once more on deleted rows brings them back.
      if (all) store?.dispatch({ type: 'drop', targets: rows.map(({ row }) => ({ row, column: null })) });
      else store?.dispatch({ type: 'delete', rows });
      say(all ? `${plural(rows.length, 'row')} brought back.` : `${plural(rows.length, 'row')} deleted. Ctrl+Z brings them back.`);
      const left = total - (all ? 0 : rows.filter(({ row }) => session?.added.has(row)).length);
      go({ row: Math.min(range.top, left - 1), column: active.column }, false);
    });

  const onKey = (event: KeyboardEvent): boolean => {
    if (!editing || active.row < 0) return false;
    const ctrl = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const does = (work: () => void): boolean => {
      event.preventDefault();
      work();
      return true;
    };
    if (ctrl && key === 'Enter') return does(addRow);
    if (ctrl && key === 'd') return does(fillDown);
    if (ctrl) return false;
    if (key === 'Delete' && event.shiftKey) return does(deleteRows);
    if (key === 'Delete' || key === 'Backspace') return does(() => range && fill(range, () => null));
    if (active.column < 0) return false;
    if (key === 'Enter' || key === 'F2') return does(() => open(active));
    // A composed character goes into the editor by itself.
    if (key === 'Process' || key === 'Dead') {
      open(active, '');
      return true;
    }
    if (event.key.length === 1 && event.key !== ' ') return does(() => open(active, event.key));
    return false;
  };

  const onPaste = (event: ClipboardEvent): void => {
    if (!editing || event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement) return;
    event.preventDefault();
    paste(event.clipboardData.getData('text/plain').replace(/\r?\n$/, ''));
  };

  return { total, rowAt, load, editor, open, close, onKey, onPaste, addRow, deleteRows };
}
