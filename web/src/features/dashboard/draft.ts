// A widget while it is being made: choices that fit each other, whatever was chosen before.
import { type DraftFilter, draftsOf, filterOf, NO_DRAFT } from '@/features/filter/draft';
import { readFilter, writeFilter } from '@/features/filter/filter';
import type { Column } from '@/lib/api/types';
import { findColumn } from '@/lib/cells';

import { type Bucket, defaultLimit, defaultSort, fits, type Group, groups, hasBuckets, type Idea, type Measure, readGroup, readMeasure, suggestTitle, writeGroup, writeMeasure } from './measures';
import type { Kind, Sort, WidgetDefinition } from './types';

export interface Draft {
  /** Null while the suggested one is taken. */
  title: string | null;
  kind: Kind;
  measures: readonly Measure[];
  group: Group | null;
  filter: DraftFilter;
  sort: Sort;
  limit: number;
}

const COUNT: Measure = { fn: 'count', column: null };

/** The first column that makes a good group: a text for bars, a date for a line. */
export function firstGroup(columns: readonly Column[], kind: Kind): Group | null {
  const date = columns.find((column) => hasBuckets(column.type));
  const text = columns.find((column) => column.type === 'text' || column.type === 'boolean');
  const other = columns.find((column) => groups(column.type, kind));
  const column = kind === 'line' ? (date ?? other) : (text ?? date ?? other);
  return column ? groupOn(column) : null;
}

export const groupOn = (column: Column, bucket: Bucket = 'month'): Group => ({ column: column.id, bucket: hasBuckets(column.type) ? bucket : null });

const typeOf = (columns: readonly Column[], id: string) => columns.find((column) => column.id === id)?.type;

function fitting(measure: Measure, kind: Kind, columns: readonly Column[]): boolean {
  if (measure.column === null) return true;
  const type = typeOf(columns, measure.column);
  return type !== undefined && fits(measure.fn, type, kind);
}

/** The draft as a widget of another kind, with what still fits kept. */
export function withKind(draft: Draft, kind: Kind, columns: readonly Column[]): Draft {
  const measures = draft.measures.filter((measure) => fitting(measure, kind, columns));
  const type = draft.group === null ? undefined : typeOf(columns, draft.group.column);
  const group = kind === 'number' || (type !== undefined && groups(type, kind)) ? draft.group : firstGroup(columns, kind);
  const next = { ...draft, kind, measures: measures.length > 0 ? measures : [COUNT], group: null, sort: defaultSort(kind), limit: defaultLimit(kind) };
  return group === null ? next : withGroup(next, group);
}

/** A calendar is shown whole and in its order; of names, the largest. */
export function withGroup(draft: Draft, group: Group): Draft {
  const isCalendar = group.bucket !== null;
  if (draft.kind !== 'bar' || isCalendar === ((draft.group?.bucket ?? null) !== null)) return { ...draft, group };
  return { ...draft, group, sort: isCalendar ? 'group' : defaultSort('bar'), limit: defaultLimit(isCalendar ? 'line' : 'bar') };
}

export const emptyDraft = (columns: readonly Column[]): Draft => ({
  title: null,
  kind: 'bar',
  measures: [COUNT],
  group: firstGroup(columns, 'bar'),
  filter: NO_DRAFT,
  sort: 'measure',
  limit: defaultLimit('bar'),
});

/** Columns by id, also where the widget names them; what is gone is left out. */
const idOf = (columns: readonly Column[], name: string): string | null => findColumn(columns, name)?.id ?? null;

export function draftOf(widget: WidgetDefinition, columns: readonly Column[]): Draft {
  const measures = widget.measures.flatMap((text): Measure[] => {
    const measure = readMeasure(text);
    if (measure === null) return [];
    const column = measure.column === null ? null : idOf(columns, measure.column);
    return measure.column !== null && column === null ? [] : [{ ...measure, column }];
  });
  const read = widget.group === null ? null : readGroup(widget.group);
  const column = read === null ? null : idOf(columns, read.column);
  const group = read === null || column === null ? null : { ...read, column };
  const draft: Draft = {
    title: null,
    kind: widget.kind,
    measures: measures.length > 0 ? measures : [COUNT],
    group: group ?? (widget.kind === 'number' ? null : firstGroup(columns, widget.kind)),
    filter: draftsOf(readFilter(widget.filter), columns),
    sort: widget.sort,
    limit: widget.limit,
  };
  // A title that was suggested goes on following what is chosen.
  return titleOf(draft, columns) === widget.title ? draft : { ...draft, title: widget.title };
}

const groupOf = (draft: Draft): Group | null => (draft.kind === 'number' ? null : draft.group);

export function titleOf(draft: Draft, columns: readonly Column[]): string {
  return draft.title ?? suggestTitle(draft.measures, groupOf(draft), filterOf(draft.filter), columns);
}

/** What the API is asked to keep; null while something is missing. */
export function ideaOf(draft: Draft, columns: readonly Column[]): Idea | null {
  const group = groupOf(draft);
  const title = titleOf(draft, columns).trim();
  if (title === '' || (draft.kind !== 'number' && group === null)) return null;
  return {
    title,
    kind: draft.kind,
    group: group === null ? null : writeGroup(group),
    measures: draft.measures.map(writeMeasure),
    filter: writeFilter(filterOf(draft.filter)),
    sort: draft.sort,
    limit: draft.limit,
  };
}
