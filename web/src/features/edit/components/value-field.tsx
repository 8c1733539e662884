import { RotateCcw } from 'lucide-react';
import { useId, useState } from 'react';

import { Button } from '@/components/button';
import { Select } from '@/components/select';
import type { Column } from '@/lib/api/types';
import { cellText, isNumeric, typeMark } from '@/lib/cells';

const TRUTH = [{ id: 'true', label: 'true' }, { id: 'false', label: 'false' }] as const;

export interface FieldProps {
  column: Column;
  value: unknown;
  changed: boolean;
  problem: string | null;
  locked: boolean;
  /** Null for null, else the text as typed. */
  onChange: (text: string | null) => void;
  onRevert: (() => void) | null;
}

/** A value to be changed in a form, by its column's type. */
export function ValueField({ column, value, changed, problem, locked, onChange, onRevert }: FieldProps) {
  const id = useId();
  const shown = cellText(value);
  const [draft, setDraft] = useState<string | null>(null);
  const text = draft ?? shown;
  const commit = (): void => {
    if (draft !== null && draft !== shown) onChange(draft);
    setDraft(null);
  };
  const props = {
    id,
    value: text,
    readOnly: locked,
    placeholder: value === null ? 'null' : 'empty text',
    'aria-invalid': problem !== null,
    'aria-describedby': problem === null ? undefined : `${id}-problem`,
    onBlur: commit,
  };
  const title = <><span className="mono faint" aria-hidden>{typeMark(column.type)}</span> {column.name}</>;
  return (
    <div className={`field ${changed ? 'changed' : ''} ${problem === null ? '' : 'wrong'}`} data-column={column.id}>
      <div className="label-line">
        {column.type === 'boolean' ? (
          <span className="field-label grow" aria-hidden>{title}</span>
        ) : (
          <label htmlFor={id} className="grow">{title}</label>
        )}
        {onRevert ? (
          <Button size="tiny" look="quiet" aria-label={`Take back the change of ${column.name}`} isDisabled={locked} onPress={onRevert}>
            <RotateCcw size={12} aria-hidden />
          </Button>
        ) : null}
        <Button size="tiny" look="quiet" aria-label={`Make ${column.name} null`} isDisabled={locked || (value === null && draft === null)} onPress={() => {
          setDraft(null);
          onChange(null);
        }}>
          null
        </Button>
      </div>
      {column.type === 'boolean' ? (
        <Select label={column.name} quietLabel options={TRUTH} placeholder={value === null ? 'null' : shown} value={TRUTH.find((option) => option.id === shown)?.id ?? null} isDisabled={locked} onChange={onChange} />
      ) : column.type === 'json' || (column.type === 'text' && (shown.length > 60 || shown.includes('\n'))) ? (
        <textarea {...props} className="area" rows={Math.min(8, Math.max(2, text.split('\n').length))} onChange={(event) => setDraft(event.target.value)} />
      ) : (
        <input
          {...props} className="input" inputMode={isNumeric(column.type) ? 'decimal' : undefined} autoComplete="off" onChange={(event) => setDraft(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') commit();
            if (event.key === 'Escape' && draft !== null) {
              event.stopPropagation();
              setDraft(null);
            }
          }}
        />
      )}
      {problem === null ? null : <span id={`${id}-problem`} className="field-error">{problem}</span>}
    </div>
  );
}
