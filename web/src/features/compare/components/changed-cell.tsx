import { ArrowRight } from 'lucide-react';
import { Button, Dialog, DialogTrigger, Popover } from 'react-aria-components';

import type { Column } from '@/lib/api/types';
import { cellDisplay, cellText, isCut } from '@/lib/cells';
import { count } from '@/lib/format';

import { DiffValue } from './diff-value';

const spoken = (value: unknown, column: Column): string => (value === null ? 'null' : value === '' ? 'empty text' : cellDisplay(value, column.type));

interface SideProps {
  title: string;
  look: 'was' | 'is';
  value: unknown;
}

function Side({ title, look, value }: SideProps) {
  return (
    <div className="stack" style={{ gap: 4 }}>
      <span className="small faint">
        {title}
        {value === null ? ' · null' : value === '' ? ' · an empty text' : ''}
        {isCut(value) ? ` · the first ${count(value.cut.length)} of ${count(value.chars)} characters` : ''}
      </span>
      <pre className={look} tabIndex={0} aria-label={title}>
        {value === null ? '–' : cellText(value)}
      </pre>
    </div>
  );
}

interface ChangedCellProps {
  column: Column;
  before: unknown;
  after: unknown;
  from: number;
  to: number;
}

/** Old → new in one line; both in full when it is pressed. */
export function ChangedCell({ column, before, after, from, to }: ChangedCellProps) {
  return (
    <DialogTrigger>
      <Button className="diff-change" aria-label={`${column.name}: ${spoken(before, column)} became ${spoken(after, column)}`}>
        <del>
          <DiffValue value={before} kind={column.type} />
        </del>
        <ArrowRight size={12} aria-hidden />
        <ins>
          <DiffValue value={after} kind={column.type} />
        </ins>
      </Button>
      <Popover className="popover">
        <Dialog className="diff-pop" aria-label={`Both values of ${column.name}`}>
          <b>{column.name}</b>
          <Side title={`v${from}`} look="was" value={before} />
          <Side title={`v${to}`} look="is" value={after} />
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
