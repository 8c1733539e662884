import { Checkbox } from '@/components/checkbox';
import { CellEditor } from '@/features/edit/components/cell-editor';
import type { EditValue } from '@/features/edit/session';
import type { After } from '@/features/edit/use-cell-editing';
import type { Column, Dataset, QuarantinedRow } from '@/lib/api/types';
import { cellText, isCut, isNumeric } from '@/lib/cells';
import { count } from '@/lib/format';

import { cellOf, type Mend, ownCell, type Refusals, whyNot } from '../mended';
import { reasonName } from '../words';
import { RecordOutcome } from './record-outcome';
import { RecordValue } from './record-value';

/** Columns before the dataset's: selection, place, reason. */
export const LEAD = 3;

/** A place in the table; columns count from the selection's. */
export interface CellPlace {
  row: number;
  column: number;
}

interface RecordRowProps {
  dataset: Dataset;
  row: QuarantinedRow;
  index: number;
  /** Whether the table has a column for surplus cells. */
  surplus: boolean;
  mend: Mend | undefined;
  refusals: Refusals;
  chosen: boolean;
  /** Where the focus is, if in this row. */
  active: number | null;
  editing: { typed: string | null } | null;
  onChoose: (on: boolean) => void;
  onOpen: () => void;
  onActive: (column: number) => void;
  onEdit: (column: number) => void;
  onClose: (column: Column, value: EditValue | undefined, after: After) => void;
}

export function RecordRow(props: RecordRowProps) {
  const { dataset, row, index, mend, refusals, chosen, active } = props;
  const name = `Record ${count(row.record)} of ${row.file_name}`;
  const whole = refusals.get(row.id)?.get(null);
  const cell = (column: number) => ({ 'data-at': `${index}:${column}`, tabIndex: active === column ? 0 : -1, onFocus: () => props.onActive(column) });
  return (
    <tr aria-selected={chosen} aria-rowindex={index + 2} className={mend ? 'mended' : ''}>
      <td {...cell(0)} className="pick">
        {row.state === 'resubmitted' ? null : <Checkbox aria-label={name} excludeFromTabOrder isSelected={chosen} onChange={props.onChoose} />}
      </td>
      <td {...cell(1)} className="opens" onClick={props.onOpen} title={`${row.file_name}, byte ${count(row.byte)}`}>
        <span className="cut">line {count(row.line)}</span>
        <span className="cut small faint">{row.file_name}</span>
      </td>
      <td {...cell(2)} className={`opens ${whole ? 'wrong' : ''}`} onClick={props.onOpen} title={whole ?? row.message}>
        <span className="cut">{row.state === 'open' ? reasonName(row.code) : <RecordOutcome dataset={dataset.id} row={row} />}</span>
        <span className="cut small faint">{whole ?? row.message}</span>
      </td>
      {mend?.raw != null ? (
        <td {...cell(LEAD)} colSpan={dataset.columns.length} className="changed opens" onClick={props.onOpen}>
          <span className="cut mono">{mend.raw}</span>
        </td>
      ) : row.cells == null ? (
        <td {...cell(LEAD)} colSpan={dataset.columns.length} className="opens" onClick={props.onOpen}>
          <span className="cut faint">{row.raw ?? 'Too long to be kept here: it lies in the file, at its place.'}</span>
        </td>
      ) : (
        dataset.columns.map((column, i) => <ValueCell key={column.id} {...props} column={column} at={LEAD + i} focus={cell(LEAD + i)} />)
      )}
      {props.surplus ? (
        <td {...cell(LEAD + dataset.columns.length)} className={row.surplus.length > 0 ? 'wrong opens' : ''} onClick={row.surplus.length > 0 ? props.onOpen : undefined}>
          <span className="cut">{row.surplus.map((value) => cellText(value)).join(' · ')}</span>
        </td>
      ) : null}
    </tr>
  );
}

interface ValueCellProps extends RecordRowProps {
  column: Column;
  at: number;
  focus: object;
}

function ValueCell({ row, mend, refusals, column, at, active, editing, focus, onEdit, onClose }: ValueCellProps) {
  const value = cellOf(row, mend, column.id);
  const why = whyNot(row, mend, refusals, column);
  const open = editing !== null && active === at;
  const changed = mend?.cells.has(column.id) ?? false;
  const id = `why-${row.id}-${column.id}`;
  return (
    <td
      {...focus}
      className={`${isNumeric(column.type) ? 'num' : ''} ${why === null ? '' : 'wrong'} ${changed ? 'changed' : ''} ${open ? 'open' : ''}`}
      aria-invalid={why !== null}
      aria-describedby={why === null ? undefined : id}
      title={why ?? undefined}
      onDoubleClick={() => onEdit(at)}
      onClick={() => {
        // The one at fault is what somebody came for.
        if (why !== null && !open) onEdit(at);
      }}
    >
      {open ? (
        <CellEditor
          editor={{ cell: { row: 0, column: at }, rowId: row.id, column, value: isCut(value) ? '' : value, before: ownCell(row, column.id), typed: editing.typed }}
          up={false}
          onClose={(next, after) => onClose(column, next, after)}
        />
      ) : (
        <span className="cut"><RecordValue value={value} /></span>
      )}
      {why === null ? null : <span id={id} className="visually-hidden">{why}</span>}
    </td>
  );
}
