import { Plus, X } from 'lucide-react';
import { Input, TextField } from 'react-aria-components';

import { Button, IconButton } from '@/components/button';
import { Select } from '@/components/select';
import type { Column, ColumnType } from '@/lib/api/types';

import { opsFor, opWord, type Rule, takesValue } from '../filter-rules';
import { columnOptions } from './measure-picker';

interface FilterBuilderProps {
  rules: readonly Rule[];
  columns: readonly Column[];
  onChange: (rules: readonly Rule[]) => void;
  /** The grid's rules in the address, when there are some and none here. */
  onTakeGrid: (() => void) | null;
}

const EXAMPLES: Partial<Record<ColumnType, string>> = { date: '2013-01-31', time: '13:30:00', timestamp: '2013-01-31T13:30:00', timestamptz: '2013-01-31T13:30:00Z', boolean: 'true' };

const BOOLEANS = [
  { id: 'true', label: 'yes' },
  { id: 'false', label: 'no' },
];

function RuleValue({ rule, type, onChange }: { rule: Rule; type: ColumnType; onChange: (value: string) => void }) {
  if (type === 'boolean') return <Select quietLabel label="Value" options={BOOLEANS} value={rule.value === '' ? null : rule.value} onChange={onChange} />;
  return (
    <TextField aria-label="Value" value={rule.value} onChange={onChange} className="field">
      <Input className="input" placeholder={rule.op === 'in' ? 'one, two, three' : EXAMPLES[type]} />
    </TextField>
  );
}

function RuleRow({ rule, columns, onChange, onRemove }: { rule: Rule; columns: readonly Column[]; onChange: (rule: Rule) => void; onRemove: () => void }) {
  const type = columns.find((column) => column.id === rule.column)?.type ?? 'text';
  const chooseColumn = (id: string): void => {
    const next = columns.find((column) => column.id === id)?.type ?? 'text';
    const [first = 'eq'] = opsFor(next);
    onChange({ column: id, op: opsFor(next).includes(rule.op) ? rule.op : first, value: next === type ? rule.value : '' });
  };
  return (
    <div className="rule-row">
      <Select quietLabel label="Column" options={columnOptions(columns)} value={rule.column} onChange={chooseColumn} />
      <Select quietLabel label="Comparison" options={opsFor(type).map((op) => ({ id: op, label: opWord(op, type) }))} value={rule.op} onChange={(op) => onChange({ ...rule, op: op })} />
      {takesValue(rule.op) ? <RuleValue rule={rule} type={type} onChange={(value) => onChange({ ...rule, value })} /> : <span />}
      <IconButton tiny label="Remove this rule" onPress={onRemove}><X size={14} aria-hidden /></IconButton>
    </div>
  );
}

/** Rules that all must hold. */
export function FilterBuilder({ rules, columns, onChange, onTakeGrid }: FilterBuilderProps) {
  const add = (): void => {
    const [first] = columns;
    if (first) onChange([...rules, { column: first.id, op: opsFor(first.type)[0] ?? 'eq', value: '' }]);
  };
  return (
    <div className="field" role="group" aria-label="Filter">
      <span className="field-label">Filter</span>
      {rules.map((rule, i) => (
        <RuleRow
          key={i}
          rule={rule}
          columns={columns}
          onChange={(one) => onChange(rules.map((other, at) => (at === i ? one : other)))}
          onRemove={() => onChange(rules.filter((_, at) => at !== i))}
        />
      ))}
      <div className="row">
        <Button size="tiny" look="quiet" onPress={add}><Plus size={13} aria-hidden /> Add a rule</Button>
        {onTakeGrid ? <Button size="tiny" look="quiet" onPress={onTakeGrid}>Take the grid’s filter</Button> : null}
      </div>
    </div>
  );
}
