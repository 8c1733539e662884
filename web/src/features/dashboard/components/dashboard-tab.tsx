import { useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react';

import { Button } from '@/components/button';
import { Failed, ProblemNotice, Skeleton } from '@/components/states';
import { datasetQuery } from '@/features/datasets/api';
import { reasonOf } from '@/lib/api/problem';
import type { Dataset } from '@/lib/api/types';
import { plural } from '@/lib/format';
import { notify } from '@/lib/notices';

import { aggregateQuery, widgetsQuery } from '../api';
import { coloursOf } from '../colours';
import { pack } from '../layout';
import type { Widget } from '../types';
import { definitionOf, useWidgetChanges } from '../use-widgets';
import { ArrangeBar } from './arrange-bar';
import { FirstWidgets } from './first-widgets';
import { VersionCard } from './version-card';
import { WidgetCard } from './widget-card';
import '../dashboard.css';

const WidgetEditor = lazy(() => import('./widget-editor'));

/** Often enough to see a commit arrive; more often while a widget is on its way to the head. */
const POLL_MS = 4000;
const POLL_BEHIND_MS = 1200;

const isBehind = (widget: Widget, head: number): boolean => widget.problem === null && (widget.version ?? 0) < head;

/** The widgets, and the dataset they are of, asked again and again while the page is looked at. */
function useWidgets({ id, version: head }: Dataset) {
  const client = useQueryClient();
  const widgets = useQuery({
    ...widgetsQuery(id),
    refetchInterval: ({ state }) => (state.data?.some((widget) => isBehind(widget, head)) ? POLL_BEHIND_MS : POLL_MS),
  });
  useQuery({ ...datasetQuery(id), refetchInterval: POLL_MS });
  const known = useRef(head);
  useEffect(() => {
    if (known.current !== head) void client.invalidateQueries({ queryKey: widgetsQuery(id).queryKey });
    known.current = head;
  }, [client, id, head]);
  const newest = Math.max(0, ...(widgets.data ?? []).map((widget) => widget.version ?? 0));
  useEffect(() => {
    if (newest > head) void client.invalidateQueries({ queryKey: datasetQuery(id).queryKey, exact: true });
  }, [client, id, head, newest]);
  return widgets;
}

interface DashboardTabProps {
  dataset: Dataset;
  /** The version in the address, when it is not the head. */
  old: number | null;
  /** The grid's filter in the address, for a widget to take over. */
  gridFilter: string | undefined;
}

export default function DashboardTab({ dataset, old, gridFilter }: DashboardTabProps) {
  const query = useWidgets(dataset);
  const widgets = useMemo(() => pack(query.data ?? []), [query.data]);
  if (query.isPending) return <Skeleton lines={8} />;
  if (!query.data) return <Failed error={query.error} what="The widgets could not be read" onRetry={() => void query.refetch()} />;
  if (old !== null) return <VersionDashboard dataset={dataset} widgets={widgets} version={old} />;
  return <HeadDashboard dataset={dataset} widgets={widgets} gridFilter={gridFilter} />;
}

function VersionDashboard({ dataset, widgets, version }: { dataset: Dataset; widgets: readonly Widget[]; version: number }) {
  const aggregates = useQueries({ queries: widgets.map((widget) => aggregateQuery(dataset.id, widget, version)) });
  // With the head's own, so that a category keeps its colour from one version to the next.
  const colours = coloursOf([...widgets, ...aggregates.flatMap(({ data }, i) => (data ? [{ ...data, group: widgets[i]?.group ?? null }] : []))]);
  return (
    <div className="page dashboard">
      <div className="dashboard-bar">
        <p className="small faint grow">
          {widgets.length === 0 ? `There are no widgets to compute for v${version}.` : `${plural(widgets.length, 'widget')}, computed for v${version} as it was. Go back to head to change them.`}
        </p>
      </div>
      <ul className="widgets">
        {widgets.map((widget, i) => {
          const aggregate = aggregates[i];
          return aggregate ? <VersionCard key={widget.id} widget={widget} version={version} aggregate={aggregate} colours={colours} /> : null;
        })}
      </ul>
    </div>
  );
}

interface HeadDashboardProps {
  dataset: Dataset;
  widgets: readonly Widget[];
  gridFilter: string | undefined;
}

/** The editor is open for a widget, or for one that is not there yet. */
type Editing = { widget: Widget | null } | null;
type Arranging = { id: string; layout: Widget[] } | null;

function HeadDashboard({ dataset, widgets, gridFilter }: HeadDashboardProps) {
  const changes = useWidgetChanges(dataset.id, widgets);
  const [editing, setEditing] = useState<Editing>(null);
  const [arranging, setArranging] = useState<Arranging>(null);
  const page = useRef<HTMLDivElement>(null);
  const colours = useMemo(() => coloursOf(widgets), [widgets]);
  const canEdit = dataset.role !== 'viewer';
  const failed = [changes.create, changes.remove, changes.arrange].find((change) => change.isError);

  const actionsOf = (widget: Widget) => ({
    onEdit: () => setEditing({ widget }),
    onDuplicate: () => changes.duplicate(widget),
    onArrange: () => setArranging({ id: widget.id, layout: [...widgets] }),
    onDelete: () => changes.remove.mutate(widget, { onSuccess: () => deleted(widget) }),
  });
  const deleted = (widget: Widget): void => {
    // The card that had the focus is gone.
    page.current?.focus();
    // The way back is there on other pages too, and so is its failure.
    const undo = (): void =>
      void changes.create.mutateAsync(definitionOf(widget)).catch((error: unknown) => notify({ bad: true, text: `“${widget.title}” could not be brought back. ${reasonOf(error)}` }));
    notify({ text: `Deleted “${widget.title}”.`, undo });
  };
  const shown = arranging?.layout ?? widgets;

  return (
    <div className="page dashboard" ref={page} tabIndex={-1}>
      {widgets.length > 0 ? (
        <div className="dashboard-bar">
          <p className="small faint grow">{plural(widgets.length, 'widget')}</p>
          {canEdit ? <Button onPress={() => setEditing({ widget: null })}><Plus size={15} aria-hidden /> Add a widget</Button> : null}
        </div>
      ) : null}
      {failed ? <ProblemNotice error={failed.error} /> : null}
      {widgets.length === 0 ? (
        <FirstWidgets columns={dataset.columns} canEdit={canEdit} isBusy={changes.create.isPending} onAdd={() => setEditing({ widget: null })} onIdea={changes.add} />
      ) : (
        <ul className="widgets">
          {shown.map((widget) => (
            <WidgetCard
              key={widget.id}
              widget={widget}
              head={dataset.version}
              colours={colours}
              actions={canEdit ? actionsOf(widget) : null}
              arranging={
                arranging?.id === widget.id ? (
                  <ArrangeBar
                    title={widget.title}
                    id={widget.id}
                    layout={arranging.layout}
                    onLayout={(layout) => setArranging({ id: widget.id, layout })}
                    onCancel={() => setArranging(null)}
                    onDone={() => changes.arrange.mutate(arranging.layout, { onSettled: () => setArranging(null) })}
                  />
                ) : null
              }
            />
          ))}
        </ul>
      )}
      <Suspense>{editing ? <WidgetEditor dataset={dataset} widget={editing.widget} widgets={widgets} gridFilter={gridFilter} onClose={() => setEditing(null)} /> : null}</Suspense>
    </div>
  );
}
