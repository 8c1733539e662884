import type { RefObject } from 'react';
import { Dialog, Popover } from 'react-aria-components';

import { cellText, isCut } from '@/lib/cells';
import { count } from '@/lib/format';

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

export interface Change {
  name: string;
  before: unknown;
  after: unknown;
}

interface BothValuesProps {
  change: Change | null;
  trigger: RefObject<HTMLElement | null>;
  from: number;
  to: number | null;
  onClose: () => void;
}

/** Both values of a changed cell in full: one popover for the whole table. */
export function BothValues({ change, trigger, from, to, onClose }: BothValuesProps) {
  return (
    <Popover className="popover" triggerRef={trigger} isOpen={change !== null} onOpenChange={(open) => open || onClose()}>
      {change ? (
        <Dialog className="diff-pop" aria-label={`Both values of ${change.name}`}>
          <b>{change.name}</b>
          <Side title={`v${from}`} look="was" value={change.before} />
          <Side title={to === null ? 'After the import' : `v${to}`} look="is" value={change.after} />
        </Dialog>
      ) : null}
    </Popover>
  );
}
