import './uploads.css';

import { CircleCheck, TriangleAlert } from 'lucide-react';
import { Fragment } from 'react';

import type { Receipt } from '@/lib/api/types';
import { count } from '@/lib/format';

import { balances, terms } from '../receipt-lines';

/** "336,776 rows read = 336,776 inserted + 0 quarantined ✓". When it does not balance, nothing is larger. */
export function ReceiptLine({ receipt }: { receipt: Receipt }) {
  const balanced = balances(receipt);
  const all = terms(receipt);
  return (
    <div className={balanced ? 'receipt-line' : 'receipt-line off'} data-testid="receipt">
      <span>
        <b>{count(receipt.rows_read)}</b> rows read ={' '}
        {all.map(({ label, value }, i) => (
          <Fragment key={label}>
            {i > 0 ? ' + ' : ''}
            <span className="whole">
              <b>{count(value)}</b> {label}
              {/* The mark never stands on a line of its own. */}
              {balanced && i === all.length - 1 ? <> <CircleCheck size={15} className="tick" aria-label="balanced" /></> : null}
            </span>
          </Fragment>
        ))}
        {balanced ? null : (
          <span role="alert">
            {' '}
            <TriangleAlert size={18} aria-hidden /> does not balance
          </span>
        )}
      </span>
    </div>
  );
}

const SKIPPED: Record<string, string> = { blank: 'blank lines', comment: 'comments', preamble: 'preamble lines', footer: 'footer lines', other_table: 'records of other tables' };

/** The rest of the account: where every record of the file went. */
export function ReceiptDetails({ receipt }: { receipt: Receipt }) {
  const skipped = Object.entries(receipt.skipped).filter(([, n]) => n > 0);
  const parts = [
    `${count(receipt.headers)} header`,
    `${count(receipt.rows_read)} rows`,
    ...skipped.map(([reason, n]) => `${count(n)} ${SKIPPED[reason] ?? reason} skipped`),
  ];
  return (
    <p className="small faint">
      {count(receipt.records)} records in the file = {parts.join(' + ')}
      {receipt.deleted > 0 ? ` · ${count(receipt.deleted)} rows of the version before were replaced` : ''}
    </p>
  );
}
