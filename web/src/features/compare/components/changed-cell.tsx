import { ArrowRight } from 'lucide-react';

import type { Column } from '@/lib/api/types';
import { cellDisplay } from '@/lib/cells';

import type { Change } from './both-values';
import { DiffValue } from './diff-value';

const spoken = (value: unknown, column: Column): string => (value === null ? 'null' : value === '' ? 'empty text' : cellDisplay(value, column.type));

interface ChangedCellProps {
  column: Column;
  before: unknown;
  after: unknown;
  onOpen: (change: Change, trigger: HTMLElement) => void;
}

/** Old → new in one line. A plain button: a screen of a comparison holds hundreds of them. */
export function ChangedCell({ column, before, after, onOpen }: ChangedCellProps) {
  return (
    <button
      type="button"
      className="diff-change"
      aria-haspopup="dialog"
      aria-label={`${column.name}: ${spoken(before, column)} became ${spoken(after, column)}`}
      onClick={(event) => onOpen({ name: column.name, before, after }, event.currentTarget)}
    >
      <del>
        <DiffValue value={before} kind={column.type} />
      </del>
      <ArrowRight size={12} aria-hidden />
      <ins>
        <DiffValue value={after} kind={column.type} />
      </ins>
    </button>
  );
}
