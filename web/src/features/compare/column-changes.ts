// What happened to the columns between two versions: by id, so that a renamed column is still the same one.
import type { Column } from '@/lib/api/types';
import { typeName } from '@/lib/cells';

export type ChangeKind = 'added' | 'removed' | 'changed';

export interface ColumnChange {
  id: string;
  name: string;
  kind: ChangeKind;
  /** What is otherwise: "whole number → decimal number". */
  what: string;
}

function differences(before: Column, after: Column): string {
  const parts: string[] = [];
  if (before.name !== after.name) parts.push(`was named ${before.name}`);
  if (before.type !== after.type) parts.push(`${typeName(before.type)} → ${typeName(after.type)}`);
  else if ((before.format ?? null) !== (after.format ?? null)) parts.push('spelled otherwise');
  return parts.join(', ');
}

export function columnChanges(before: readonly Column[], after: readonly Column[]): ColumnChange[] {
  const old = new Map(before.map((column) => [column.id, column]));
  const left = new Set(after.map((column) => column.id));
  const changes = after.flatMap((column): ColumnChange[] => {
    const was = old.get(column.id);
    if (!was) return [{ id: column.id, name: column.name, kind: 'added', what: typeName(column.type) }];
    const what = differences(was, column);
    return what === '' ? [] : [{ id: column.id, name: column.name, kind: 'changed', what }];
  });
  const removed = before.filter((column) => !left.has(column.id));
  return [...changes, ...removed.map((column): ColumnChange => ({ id: column.id, name: column.name, kind: 'removed', what: typeName(column.type) }))];
}
