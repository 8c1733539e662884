import { Button } from '@/components/button';
import { Checkbox } from '@/components/checkbox';
import type { Dataset } from '@/lib/api/types';
import { count } from '@/lib/format';

import { cellOf, whyNot } from '../mended';
import type { Quarantine } from '../use-quarantine';
import { reasonName } from '../words';
import { RecordOutcome } from './record-outcome';
import { RecordValue } from './record-value';

export interface RecordsProps {
  dataset: Dataset;
  quarantine: Quarantine;
  onOpen: (id: string) => void;
}

/** The records on a phone: what is wrong with each; it opens as a form. */
export function RecordList({ dataset, quarantine, onOpen }: RecordsProps) {
  const { rows, chosen, mends, refusals, choose } = quarantine;
  return (
    <ol className="record-list" aria-label="Records in quarantine">
      {rows.map((row) => {
        const mend = mends.get(row.id);
        const told = dataset.columns.filter((column) => (mend?.cells.has(column.id) ?? false) || whyNot(row, mend, refusals, column) !== null);
        const name = `Record ${count(row.record)} of ${row.file_name}`;
        return (
          <li key={row.id} className={mend ? 'mended' : ''}>
            {row.state === 'resubmitted' ? null : <Checkbox aria-label={name} isSelected={chosen.has(row.id)} onChange={(on) => choose([row.id], on)} />}
            <div className="stack grow" style={{ gap: 4, minWidth: 0 }}>
              <span><span className="badge warn">{reasonName(row.code)}</span> {mend ? <span className="badge info">mended</span> : null}</span>
              <span className="small faint cut">{name}, line {count(row.line)}</span>
              {told.map((column) => (
                <span key={column.id} className="cut">
                  {column.name}: <b><RecordValue value={cellOf(row, mend, column.id)} /></b>
                </span>
              ))}
              <span className="small">{row.message}</span>
              <RecordOutcome dataset={dataset.id} row={row} />
            </div>
            <Button size="tiny" aria-label={`Open ${name}`} onPress={() => onOpen(row.id)}>Open</Button>
          </li>
        );
      })}
    </ol>
  );
}
