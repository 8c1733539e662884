import { Trash2 } from 'lucide-react';

import { IconButton } from '@/components/button';
import { columnOptions } from '@/components/column-options';
import { Select } from '@/components/select';
import type { Column, ColumnType } from '@/lib/api/types';
import { findColumn, isNumeric } from '@/lib/cells';

import { type Draft, type Kept, withColumn } from '../draft';
import { describe, opsOf, opWord, takesValue } from '../words';

const TRUTH = [{ id: 'true', label: 'true' }, { id: 'false', label: 'false' }] as const;
const EXAMPLES: Partial<Record<ColumnType, string>> = { date: '2024-12-31', time: '23:59:59', timestamp: '2024-12-31T23:59:59', timestamptz: '2024-12-31T23:59:59Z' };

interface ConditionLineProps {
  draft: Draft;
  columns: readonly Column[];
  onChange: (draft: Draft) => void;
  onRemove: () => void;
}

const RemoveButton = ({ onRemove }: { onRemove: () => void }) => <IconButton tiny label="Remove the condition" onPress={onRemove}><Trash2 size={14} aria-hidden /></IconButton>;

function ValueField({ draft, kind, onChange }: { draft: Draft; kind: ColumnType; onChange: (text: string) => void }) {
  if (kind === 'boolean') return <Select label="Value" quietLabel options={TRUTH} value={TRUTH.find(({ id }) => id === draft.text)?.id ?? null} onChange={onChange} />;
  return (
    <input
      className="input" aria-label="Value" autoComplete="off" value={draft.text} inputMode={isNumeric(kind) && draft.op !== 'in' ? 'decimal' : undefined}
      placeholder={draft.op === 'in' ? 'one, two, three' : EXAMPLES[kind]} onChange={(event) => onChange(event.target.value)}
    />
  );
}

export function ConditionLine({ draft, columns, onChange, onRemove }: ConditionLineProps) {
  const column = findColumn(columns, draft.column);
  const kind = column?.type ?? 'text';
  return (
    <div className="filter-line">
      <Select label="Column" quietLabel placeholder={draft.column} options={columnOptions(columns)} value={column?.id ?? null} onChange={(id) => onChange(withColumn(draft, id, columns))} />
      <Select label="Condition" quietLabel options={opsOf(kind).map((op) => ({ id: op, label: opWord(op, kind) }))} value={draft.op} onChange={(op) => onChange({ ...draft, op })} />
      {takesValue(draft.op) ? <div className="filter-value"><ValueField draft={draft} kind={kind} onChange={(text) => onChange({ ...draft, text })} /></div> : null}
      <RemoveButton onRemove={onRemove} />
    </div>
  );
}

/** What no field can hold: it stays as it is, or goes. */
export function KeptLine({ item, columns, onRemove }: { item: Kept; columns: readonly Column[]; onRemove: () => void }) {
  return (
    <div className="filter-kept">
      <span className="grow">{describe(item.kept, columns, 'words')}</span>
      <span className="small faint">kept as it is</span>
      <RemoveButton onRemove={onRemove} />
    </div>
  );
}
