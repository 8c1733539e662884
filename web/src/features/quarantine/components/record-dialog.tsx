import { Link } from '@tanstack/react-router';
import { TriangleAlert } from 'lucide-react';
import { useState } from 'react';

import { Button } from '@/components/button';
import { Dialog, DialogBody, DialogFoot } from '@/components/dialog';
import { Segmented } from '@/components/segmented';
import { ProblemNotice } from '@/components/states';
import { ValueField } from '@/features/edit/components/value-field';
import { readTyped } from '@/features/edit/values';
import type { Dataset, QuarantinedRow } from '@/lib/api/types';
import { cellText, isCut } from '@/lib/cells';
import { count, plural } from '@/lib/format';

import { cellOf, hasWholeText, isMendable, ownCell, whyNot } from '../mended';
import type { Quarantine } from '../use-quarantine';
import { reasonName } from '../words';
import { RecordOutcome } from './record-outcome';
import { RecordValue } from './record-value';

interface RecordDialogProps {
  dataset: Dataset;
  quarantine: Quarantine;
  row: QuarantinedRow;
  onClose: () => void;
}

/** One record as a form: its cells, or its text. */
export function RecordDialog({ dataset, quarantine, row, onClose }: RecordDialogProps) {
  const { resubmission, discarding, refusals } = quarantine;
  const mend = quarantine.mends.get(row.id);
  const [as, setAs] = useState<'cells' | 'text'>(mend?.raw != null || row.cells == null ? 'text' : 'cells');
  const open = row.state === 'open' && dataset.role !== 'viewer';
  const whole = refusals.get(row.id)?.get(null);
  const busy = resubmission.isPending || discarding.isPending;
  return (
    <Dialog title={`Record ${count(row.record)} of ${row.file_name}`} isOpen onClose={onClose} stays={mend !== undefined} wide>
      <DialogBody>
        <div className="notice warn">
          <TriangleAlert size={16} aria-hidden />
          <div>
            <b>{reasonName(row.code)}{row.column ? `: ${row.column}` : ''}.</b> {whole ?? row.message}
            <div className="small record-link">
              Line {count(row.line)}, byte {count(row.byte)} of <Link to="/uploads/$id" params={{ id: row.upload_id }}>{row.file_name}</Link>
            </div>
          </div>
        </div>
        <RecordOutcome dataset={dataset.id} row={row} />
        {resubmission.isError ? <ProblemNotice error={resubmission.error} /> : null}
        {open && row.cells != null && hasWholeText(row) ? (
          <Segmented label="How to mend it" options={[{ id: 'cells', label: 'Cells' }, { id: 'text', label: 'Text' }]} value={as} onChange={setAs} />
        ) : null}
        {as === 'cells' && row.cells != null ? <Cells dataset={dataset} quarantine={quarantine} row={row} locked={!open || busy || mend?.raw != null} /> : null}
        {as === 'text' || row.cells == null ? <Text quarantine={quarantine} row={row} locked={!open || busy || !hasWholeText(row)} /> : null}
      </DialogBody>
      <DialogFoot>
        {open ? <Button look="quiet" isDisabled={busy} onPress={() => discarding.mutate([row.id], { onSuccess: onClose })}>Discard</Button> : null}
        {mend ? <Button look="quiet" isDisabled={busy} onPress={() => quarantine.revert(row)}>Take back changes</Button> : null}
        <span className="grow" />
        <Button onPress={onClose}>Close</Button>
        {open && isMendable(row) ? <Button look="primary" isDisabled={busy} onPress={() => resubmission.mutate([row], { onSuccess: onClose })}>{resubmission.isPending ? 'Resubmitting…' : 'Resubmit'}</Button> : null}
      </DialogFoot>
    </Dialog>
  );
}

interface PartProps {
  quarantine: Quarantine;
  row: QuarantinedRow;
  locked: boolean;
}

function Cells({ dataset, quarantine, row, locked }: PartProps & { dataset: Dataset }) {
  const mend = quarantine.mends.get(row.id);
  return (
    <div className="row-form">
      {mend?.raw != null ? <p className="small">The record is written anew as text. Take that back to change its cells.</p> : null}
      {dataset.columns.map((column) => {
        const own = ownCell(row, column.id);
        const value = cellOf(row, mend, column.id);
        return (
          <ValueField
            key={column.id}
            column={column}
            value={isCut(value) ? `${value.cut}…` : value}
            changed={mend?.cells.has(column.id) ?? false}
            problem={whyNot(row, mend, quarantine.refusals, column)}
            locked={locked}
            onChange={(text) => quarantine.setCell(row, column, text === null ? null : readTyped(column, text))}
            onRevert={mend?.cells.has(column.id) ? () => quarantine.setCell(row, column, own === null ? null : cellText(own)) : null}
          />
        );
      })}
      {row.surplus.length > 0 ? (
        <div className="field">
          <span className="field-label">{plural(row.surplus.length, 'cell')} that no column takes</span>
          <ul className="record-surplus">{row.surplus.map((value, i) => <li key={i}><RecordValue value={value} /></li>)}</ul>
        </div>
      ) : null}
    </div>
  );
}

function Text({ quarantine, row, locked }: PartProps) {
  const mend = quarantine.mends.get(row.id);
  if (!isMendable(row)) return <p>The record is too long to be kept here. It lies in the file at byte {count(row.byte)}: mend it there and upload it again, or discard it.</p>;
  return (
    <div className="field">
      <label htmlFor="record-text">As it stands in the file</label>
      <textarea id="record-text" className="area mono" rows={5} spellCheck={false} readOnly={locked} value={mend?.raw ?? row.raw ?? ''} onChange={(event) => quarantine.setRaw(row, event.target.value)} />
      <span className="small faint">{hasWholeText(row) ? 'One record, with the delimiters and quotes of the file.' : 'Its beginning; the rest is kept too.'}</span>
    </div>
  );
}
