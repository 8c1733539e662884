import { Plus, Trash2 } from 'lucide-react';
import { type ReactNode, useState } from 'react';

import { Button, IconButton } from '@/components/button';
import { Select } from '@/components/select';
import type { Column } from '@/lib/api/types';
import { isNumeric, typeName } from '@/lib/cells';

import { type Condition, type Filter, findColumn, type Group, isGroup, type Join, type Op, opsOf, opWord, splitList, takesValue } from '../filter';

/** A condition while it is put together: its value as typed. */
interface Draft {
  column: string;
  op: Op;
  text: string;
}

interface DraftGroup {
  join: Join;
  items: readonly Draft[];
}

interface DraftFilter {
  join: Join;
  items: readonly (Draft | DraftGroup)[];
}

const isDraftGroup = (item: Draft | DraftGroup): item is DraftGroup => 'items' in item;

const draftOf = ({ column, op, values }: Condition, columns: readonly Column[]): Draft => ({ column: findColumn(columns, column)?.id ?? column, op, text: values.map(String).join(', ') });
const draftsOf = (filter: Filter, columns: readonly Column[]): DraftFilter => ({
  join: filter.join,
  items: filter.items.map((item) => (isGroup(item) ? { join: item.join, items: item.items.map((one) => draftOf(one, columns)) } : draftOf(item, columns))),
});

const conditionOf = ({ column, op, text }: Draft): Condition => ({ column, op, values: op === 'in' ? splitList(text) : takesValue(op) ? [text] : [] });
const filterOf = ({ join, items }: DraftFilter): Filter => ({
  join,
  items: items.map((item): Condition | Group => (isDraftGroup(item) ? { join: item.join, items: item.items.map(conditionOf) } : conditionOf(item))),
});

const replaced = <T,>(items: readonly T[], at: number, item: T): T[] => items.map((other, i) => (i === at ? item : other));
const without = <T,>(items: readonly T[], at: number): T[] => items.filter((_, i) => i !== at);

interface ConditionLineProps {
  draft: Draft;
  columns: readonly Column[];
  onChange: (draft: Draft) => void;
  onRemove: () => void;
}

const TRUTH = [{ id: 'true', label: 'true' }, { id: 'false', label: 'false' }] as const;
const JOINS = [{ id: 'and', label: 'all of these hold' }, { id: 'or', label: 'any of these holds' }] as const;

function ConditionLine({ draft, columns, onChange, onRemove }: ConditionLineProps) {
  const column = findColumn(columns, draft.column);
  const kind = column?.type ?? 'text';
  const choose = (id: string): void => {
    const next = findColumn(columns, id)?.type ?? 'text';
    const ops = opsOf(next);
    onChange({ column: id, op: ops.includes(draft.op) ? draft.op : (ops[0] ?? 'eq'), text: next === 'boolean' ? 'true' : kind === 'boolean' ? '' : draft.text });
  };
  return (
    <div className="filter-line">
      <Select label="Column" quietLabel placeholder={draft.column} options={columns.map(({ id, name, type }) => ({ id, label: name, hint: typeName(type) }))} value={column?.id ?? null} onChange={choose} />
      <Select label="Condition" quietLabel options={opsOf(kind).map((op) => ({ id: op, label: opWord(op, kind) }))} value={draft.op} onChange={(op) => onChange({ ...draft, op })} />
      {!takesValue(draft.op) ? (
        <span />
      ) : kind === 'boolean' ? (
        <Select label="Value" quietLabel options={TRUTH} value={draft.text === 'false' ? 'false' : 'true'} onChange={(text) => onChange({ ...draft, text })} />
      ) : (
        <input
          className="input" aria-label="Value" autoComplete="off" value={draft.text} inputMode={isNumeric(kind) ? 'decimal' : undefined}
          placeholder={draft.op === 'in' ? 'UA, AA, DL' : kind === 'date' ? '2024-12-31' : kind === 'timestamp' || kind === 'timestamptz' ? '2024-12-31T23:59:59' : ''}
          onChange={(event) => onChange({ ...draft, text: event.target.value })}
        />
      )}
      <IconButton tiny label="Remove the condition" onPress={onRemove}><Trash2 size={14} aria-hidden /></IconButton>
    </div>
  );
}

function JoinChoice({ join, onChange }: { join: Join; onChange: (join: Join) => void }) {
  return (
    <div className="row small">
      <span>Rows where</span>
      <Select label="Rows where" quietLabel options={JOINS} value={join} onChange={onChange} />
    </div>
  );
}

interface FilterBuilderProps {
  filter: Filter;
  columns: readonly Column[];
  /** The column that it was opened from: a condition on it waits to be filled in. */
  startWith: string | null;
  onApply: (filter: Filter) => void;
}

/** Conditions over any columns, all or any of them, with groups. */
export function FilterBuilder({ filter, columns, startWith, onApply }: FilterBuilderProps) {
  const fresh = (id?: string): Draft => {
    const column = (id === undefined ? undefined : findColumn(columns, id)) ?? columns[0];
    return { column: column?.id ?? '', op: opsOf(column?.type ?? 'text')[0] ?? 'eq', text: column?.type === 'boolean' ? 'true' : '' };
  };
  const [draft, setDraft] = useState<DraftFilter>(() => {
    const before = draftsOf(filter, columns);
    const has = before.items.some((item) => !isDraftGroup(item) && item.column === startWith);
    return before.items.length === 0 || (startWith !== null && !has) ? { ...before, items: [...before.items, fresh(startWith ?? undefined)] } : before;
  });
  const set = (items: readonly (Draft | DraftGroup)[]): void => setDraft({ ...draft, items });

  const group = (item: DraftGroup, at: number): ReactNode => (
    <div className="filter-group" key={at} role="group" aria-label="Group">
      <div className="row">
        <JoinChoice join={item.join} onChange={(join) => set(replaced(draft.items, at, { ...item, join }))} />
        <span className="grow" />
        <IconButton tiny label="Remove the group" onPress={() => set(without(draft.items, at))}><Trash2 size={14} aria-hidden /></IconButton>
      </div>
      {item.items.map((one, i) => (
        <ConditionLine
          key={i} draft={one} columns={columns}
          onChange={(next) => set(replaced(draft.items, at, { ...item, items: replaced(item.items, i, next) }))}
          onRemove={() => set(item.items.length > 1 ? replaced(draft.items, at, { ...item, items: without(item.items, i) }) : without(draft.items, at))}
        />
      ))}
      <div><Button size="tiny" look="quiet" onPress={() => set(replaced(draft.items, at, { ...item, items: [...item.items, fresh()] }))}><Plus size={13} aria-hidden /> Condition</Button></div>
    </div>
  );

  return (
    <form
      className="filter-builder"
      onSubmit={(event) => {
        event.preventDefault();
        onApply(filterOf(draft));
      }}
    >
      <JoinChoice join={draft.join} onChange={(join) => setDraft({ ...draft, join })} />
      {draft.items.map((item, at) =>
        isDraftGroup(item) ? group(item, at) : (
          <ConditionLine key={at} draft={item} columns={columns} onChange={(next) => set(replaced(draft.items, at, next))} onRemove={() => set(without(draft.items, at))} />
        ),
      )}
      <div className="row">
        <Button size="tiny" look="quiet" onPress={() => set([...draft.items, fresh()])}><Plus size={13} aria-hidden /> Condition</Button>
        <Button size="tiny" look="quiet" onPress={() => set([...draft.items, { join: draft.join === 'and' ? 'or' : 'and', items: [fresh()] }])}><Plus size={13} aria-hidden /> Group</Button>
        <span className="grow" />
        <Button size="tiny" onPress={() => onApply({ join: 'and', items: [] })}>Clear</Button>
        <Button size="tiny" look="primary" type="submit">Apply</Button>
      </div>
    </form>
  );
}
