import { columnOptions } from '@/components/column-options';
import { Select } from '@/components/select';
import type { Column } from '@/lib/api/types';

import { groupOn } from '../draft';
import { BUCKETS, type Group, groups, hasBuckets } from '../measures';
import type { Kind } from '../types';

interface GroupPickerProps {
  group: Group | null;
  kind: Kind;
  columns: readonly Column[];
  onChange: (group: Group) => void;
}

export function GroupPicker({ group, kind, columns, onChange }: GroupPickerProps) {
  const possible = columns.filter((column) => groups(column.type, kind));
  const chosen = columns.find((column) => column.id === group?.column);
  const choose = (id: string): void => {
    const column = possible.find((other) => other.id === id);
    if (column) onChange(groupOn(column, group?.bucket ?? undefined));
  };
  if (possible.length === 0) return <p className="small faint">No column can be the axis of a line: that takes dates, times or numbers. Choose bars.</p>;
  return (
    <div className="group-row">
      <Select label="Group by" options={columnOptions(possible)} value={group?.column ?? null} onChange={choose} />
      {group && chosen && hasBuckets(chosen.type) ? (
        <Select label="Each" options={BUCKETS.map((bucket) => ({ id: bucket, label: bucket }))} value={group.bucket} onChange={(bucket) => onChange({ ...group, bucket: bucket })} />
      ) : null}
    </div>
  );
}
