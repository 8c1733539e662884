import { ChartColumn, ChartLine, Hash, TriangleAlert } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { Input, Label, NumberField } from 'react-aria-components';

import { Button } from '@/components/button';
import { Dialog, DialogBody, DialogFoot } from '@/components/dialog';
import { Segmented } from '@/components/segmented';
import { ProblemNotice } from '@/components/states';
import { TextField } from '@/components/text-field';
import { FilterFields } from '@/features/filter/components/filter-fields';
import { draftsOf } from '@/features/filter/draft';
import { NO_FILTER, parseFilter } from '@/features/filter/filter';
import type { Column, Dataset } from '@/lib/api/types';

import { type Draft, draftOf, emptyDraft, ideaOf, titleOf, withGroup, withKind } from '../draft';
import { placeFor, sizeFor } from '../layout';
import type { Kind, Sort, Widget } from '../types';
import { useWidgetChanges } from '../use-widgets';
import { GroupPicker } from './group-picker';
import { MeasurePicker } from './measure-picker';
import { WidgetPreview } from './widget-preview';

interface WidgetEditorProps {
  dataset: Dataset;
  /** Null for a new one. */
  widget: Widget | null;
  widgets: readonly Widget[];
  gridFilter: string | undefined;
  onClose: () => void;
}

const KINDS: readonly { id: Kind; label: ReactNode }[] = [
  { id: 'number', label: <><Hash size={14} aria-hidden /> Number</> },
  { id: 'bar', label: <><ChartColumn size={14} aria-hidden /> Bars</> },
  { id: 'line', label: <><ChartLine size={14} aria-hidden /> Line</> },
];

const ORDERS: readonly { id: Sort; label: string }[] = [
  { id: 'measure', label: 'Largest first' },
  { id: 'group', label: 'By group' },
];

interface PartProps {
  draft: Draft;
  columns: readonly Column[];
  onChange: (draft: Draft) => void;
}

function OrderPicker({ draft, onChange }: Omit<PartProps, 'columns'>) {
  return (
    <div className="order-row">
      {draft.kind === 'bar' ? (
        <div className="field">
          <span className="field-label">Sort</span>
          <Segmented label="Sort" options={ORDERS} value={draft.sort} onChange={(sort) => onChange({ ...draft, sort })} />
        </div>
      ) : null}
      <NumberField className="field limit" value={draft.limit} minValue={1} maxValue={1000} onChange={(limit) => onChange({ ...draft, limit: Number.isNaN(limit) ? 50 : limit })}>
        <Label>Groups at most</Label>
        <Input className="input" />
      </NumberField>
    </div>
  );
}

function FilterPart({ draft, columns, onChange, gridFilter }: PartProps & { gridFilter: string | undefined }) {
  const fromGrid = draftsOf(parseFilter(gridFilter) ?? NO_FILTER, columns);
  return (
    <div className="field" role="group" aria-label="Filter">
      <span className="field-label">Filter</span>
      <FilterFields draft={draft.filter} columns={columns} onChange={(filter) => onChange({ ...draft, filter })}>
        {fromGrid.items.length > 0 && draft.filter.items.length === 0 ? (
          <Button size="tiny" look="quiet" onPress={() => onChange({ ...draft, filter: fromGrid })}>Take the grid’s filter</Button>
        ) : null}
      </FilterFields>
    </div>
  );
}

/** Makes a widget or changes one, with what it will show beside the choices. */
export default function WidgetEditor({ dataset, widget, widgets, gridFilter, onClose }: WidgetEditorProps) {
  const { columns } = dataset;
  const [first] = useState(() => (widget ? draftOf(widget, columns) : emptyDraft(columns)));
  const [draft, setDraft] = useState(first);
  const [leaving, setLeaving] = useState(false);
  const { create, update } = useWidgetChanges(dataset.id, widgets);
  const idea = ideaOf(draft, columns);
  const saving = widget ? update : create;

  const close = (): void => {
    if (draft === first || leaving) onClose();
    else setLeaving(true);
  };
  const change = (next: Draft): void => {
    setLeaving(false);
    setDraft(next);
  };
  const save = (): void => {
    if (!idea) return;
    if (widget) update.mutate({ id: widget.id, change: idea }, { onSuccess: onClose });
    else create.mutate({ ...idea, position: placeFor(widgets, sizeFor(idea.kind, idea.measures.length)) }, { onSuccess: onClose });
  };

  return (
    <Dialog title={widget ? 'Edit the widget' : 'Add a widget'} isOpen onClose={close}>
      <form
        className="widget-editor"
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <DialogBody>
          {widget?.problem ? (
            <div className="notice warn">
              <TriangleAlert size={16} aria-hidden />
              <span>{widget.problem.detail} Measures and groups of columns that are gone are left out here; choose what to show in their place.</span>
            </div>
          ) : null}
          <div className="editor-columns">
            <div className="stack editor-form">
              <Segmented label="Kind of widget" options={KINDS} value={draft.kind} onChange={(kind) => change(withKind(draft, kind, columns))} />
              <MeasurePicker measures={draft.measures} kind={draft.kind} columns={columns} onChange={(measures) => change({ ...draft, measures })} />
              {draft.kind === 'number' ? null : <GroupPicker group={draft.group} kind={draft.kind} columns={columns} onChange={(group) => change(withGroup(draft, group))} />}
              <FilterPart draft={draft} columns={columns} onChange={change} gridFilter={gridFilter} />
              {draft.kind === 'number' ? null : <OrderPicker draft={draft} onChange={change} />}
              <TextField label="Title" value={titleOf(draft, columns)} onChange={(title) => change({ ...draft, title })} maxLength={200} />
              {draft.title === null ? null : <div><Button size="tiny" look="quiet" onPress={() => change({ ...draft, title: null })}>Take the suggested title</Button></div>}
            </div>
            <WidgetPreview dataset={dataset.id} version={dataset.version} idea={idea} widgets={widgets} />
          </div>
          {saving.isError ? <ProblemNotice error={saving.error} /> : null}
        </DialogBody>
        <DialogFoot>
          {leaving ? <span role="alert" className="small grow editor-leaving">Your changes are not saved.</span> : null}
          <Button look="quiet" onPress={close}>{leaving ? 'Discard them' : 'Cancel'}</Button>
          <Button look="primary" type="submit" isDisabled={idea === null || saving.isPending}>{widget ? 'Save' : 'Add widget'}</Button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}
