import '../filter.css';

import { Plus, Trash2 } from 'lucide-react';
import type { ReactNode } from 'react';

import { Button, IconButton } from '@/components/button';
import { Select } from '@/components/select';
import type { Column } from '@/lib/api/types';

import { type DraftFilter, type DraftGroup, isDraftGroup, isKept, newDraft } from '../draft';
import type { Join } from '../filter';
import { ConditionLine, KeptLine } from './condition-line';

const JOINS = [{ id: 'and', label: 'all of these hold' }, { id: 'or', label: 'any of these holds' }] as const;

const replaced = <T,>(items: readonly T[], at: number, item: T): T[] => items.map((other, i) => (i === at ? item : other));
const without = <T,>(items: readonly T[], at: number): T[] => items.filter((_, i) => i !== at);

function JoinChoice({ join, onChange }: { join: Join; onChange: (join: Join) => void }) {
  return (
    <div className="row small">
      <span>Rows where</span>
      <Select label="Rows where" quietLabel options={JOINS} value={join} onChange={onChange} />
    </div>
  );
}

interface GroupFieldsProps {
  group: DraftGroup;
  columns: readonly Column[];
  onChange: (group: DraftGroup) => void;
  onRemove: () => void;
}

function GroupFields({ group, columns, onChange, onRemove }: GroupFieldsProps) {
  const { items } = group;
  const set = (next: DraftGroup['items']): void => (next.length > 0 ? onChange({ ...group, items: next }) : onRemove());
  return (
    <div className="filter-group" role="group" aria-label="Group">
      <div className="row">
        <JoinChoice join={group.join} onChange={(join) => onChange({ ...group, join })} />
        <span className="grow" />
        <IconButton tiny label="Remove the group" onPress={onRemove}><Trash2 size={14} aria-hidden /></IconButton>
      </div>
      {items.map((item, at) => {
        const line = { columns, onRemove: () => set(without(items, at)) };
        return isKept(item) ? <KeptLine key={at} {...line} item={item} /> : <ConditionLine key={at} {...line} draft={item} onChange={(next) => set(replaced(items, at, next))} />;
      })}
      <div><Button size="tiny" look="quiet" onPress={() => set([...items, newDraft(columns)])}><Plus size={13} aria-hidden /> Add a condition</Button></div>
    </div>
  );
}

interface FilterFieldsProps {
  draft: DraftFilter;
  columns: readonly Column[];
  onChange: (draft: DraftFilter) => void;
  /** Buttons behind those that add. */
  children?: ReactNode;
}

/** Conditions over any columns, all or any of them, with groups. */
export function FilterFields({ draft, columns, onChange, children }: FilterFieldsProps) {
  const { join, items } = draft;
  const set = (next: DraftFilter['items']): void => onChange({ ...draft, items: next });
  return (
    <>
      {items.length > 1 ? <JoinChoice join={join} onChange={(next) => onChange({ ...draft, join: next })} /> : null}
      {items.map((item, at) => {
        const line = { columns, onRemove: () => set(without(items, at)) };
        if (isKept(item)) return <KeptLine key={at} {...line} item={item} />;
        if (isDraftGroup(item)) return <GroupFields key={at} {...line} group={item} onChange={(next) => set(replaced(items, at, next))} />;
        return <ConditionLine key={at} {...line} draft={item} onChange={(next) => set(replaced(items, at, next))} />;
      })}
      <div className="row filter-foot">
        <Button size="tiny" look="quiet" onPress={() => set([...items, newDraft(columns)])}><Plus size={13} aria-hidden /> Add a condition</Button>
        <Button size="tiny" look="quiet" onPress={() => set([...items, { join: join === 'and' ? 'or' : 'and', items: [newDraft(columns)] }])}><Plus size={13} aria-hidden /> Add a group</Button>
        {children}
      </div>
    </>
  );
}
