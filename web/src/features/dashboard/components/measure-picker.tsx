import { Plus, X } from 'lucide-react';

import { Button, IconButton } from '@/components/button';
import { columnOptions } from '@/components/column-options';
import { Select } from '@/components/select';
import type { Column } from '@/lib/api/types';

import { fits, type Fn, FUNCTIONS, type Measure, nextMeasure } from '../measures';
import type { Kind } from '../types';

interface MeasurePickerProps {
  measures: readonly Measure[];
  kind: Kind;
  columns: readonly Column[];
  onChange: (measures: readonly Measure[]) => void;
}

const MOST = 5;
const ROWS = 'rows';
const NAMES: Record<Fn, string> = { count: 'Count', sum: 'Sum', avg: 'Average', min: 'Smallest', max: 'Largest' };

function MeasureRow({ measure, kind, columns, onChange, onRemove }: { measure: Measure; kind: Kind; columns: readonly Column[]; onChange: (measure: Measure) => void; onRemove: (() => void) | null }) {
  const of = (fn: Fn): Column[] => columns.filter((column) => fits(fn, column.type, kind));
  const possible = FUNCTIONS.filter((fn) => fn === 'count' || of(fn).length > 0);
  const choose = (fn: Fn): void => {
    const kept = of(fn).find((column) => column.id === measure.column);
    onChange({ fn, column: kept?.id ?? (fn === 'count' ? null : (of(fn)[0]?.id ?? null)) });
  };
  const options = columnOptions(of(measure.fn));
  return (
    <div className="measure-row">
      <Select quietLabel label="Measure" options={possible.map((fn) => ({ id: fn, label: NAMES[fn] }))} value={measure.fn} onChange={(id) => choose(id)} />
      <span className="small faint">of</span>
      <Select
        quietLabel
        label="Measured column"
        options={measure.fn === 'count' ? [{ id: ROWS, label: 'rows', hint: 'all of them' }, ...options] : options}
        value={measure.column ?? ROWS}
        onChange={(id) => onChange({ ...measure, column: id === ROWS ? null : id })}
      />
      {onRemove ? <IconButton tiny label="Remove this measure" onPress={onRemove}><X size={14} aria-hidden /></IconButton> : null}
    </div>
  );
}

export function MeasurePicker({ measures, kind, columns, onChange }: MeasurePickerProps) {
  const next = measures.length < MOST ? nextMeasure(measures, columns, kind) : null;
  return (
    <div className="field" role="group" aria-label="Measures">
      <span className="field-label">Measure</span>
      {measures.map((measure, i) => (
        <MeasureRow
          key={i}
          measure={measure}
          kind={kind}
          columns={columns}
          onChange={(one) => onChange(measures.map((other, at) => (at === i ? one : other)))}
          onRemove={measures.length > 1 ? () => onChange(measures.filter((_, at) => at !== i)) : null}
        />
      ))}
      {next ? (
        <div>
          <Button size="tiny" look="quiet" onPress={() => onChange([...measures, next])}><Plus size={13} aria-hidden /> Add a measure</Button>
        </div>
      ) : null}
    </div>
  );
}
