// What people do to widgets: each change is shown at once where it can be, and asked back from the API afterwards.
import { useMutation, useQueryClient } from '@tanstack/react-query';

import { createWidget, deleteWidget, updateWidget, widgetsQuery } from './api';
import { moved, placeFor, sizeFor } from './layout';
import type { Idea } from './measures';
import type { Widget, WidgetDefinition } from './types';

export const definitionOf = ({ title, kind, group, measures, filter, sort, limit, position }: WidgetDefinition): WidgetDefinition => ({ title, kind, group, measures, filter, sort, limit, position });

export function useWidgetChanges(dataset: string, widgets: readonly Widget[]) {
  const client = useQueryClient();
  const { queryKey } = widgetsQuery(dataset);
  const refresh = () => client.invalidateQueries({ queryKey });
  /** A poll that is on its way would bring back what was before. */
  const show = async (change: (before: Widget[]) => Widget[]): Promise<void> => {
    await client.cancelQueries({ queryKey });
    client.setQueryData<Widget[]>(queryKey, (before) => (before ? change(before) : before));
  };
  const put = (widget: Widget) => show((before) => [...before.filter((other) => other.id !== widget.id), widget]);

  const create = useMutation({ mutationFn: (definition: WidgetDefinition) => createWidget(dataset, definition), onSuccess: put, onSettled: refresh });
  const update = useMutation({ mutationFn: ({ id, change }: { id: string; change: Partial<WidgetDefinition> }) => updateWidget(dataset, id, change), onSuccess: put, onSettled: refresh });
  const remove = useMutation({
    mutationFn: (widget: Widget) => deleteWidget(dataset, widget.id),
    onSuccess: (_, widget) => show((before) => before.filter((other) => other.id !== widget.id)),
    onSettled: refresh,
  });
  const arrange = useMutation({
    mutationFn: (after: readonly Widget[]) => Promise.all(moved(widgets, after).map(({ id, position }) => updateWidget(dataset, id, { position }))),
    onMutate: (after) => show(() => [...after]),
    onSettled: refresh,
  });

  return {
    create,
    update,
    remove,
    arrange,
    add: (idea: Idea) => create.mutate({ ...idea, position: placeFor(widgets, sizeFor(idea.kind, idea.measures.length)) }),
    duplicate: (widget: Widget) => create.mutate({ ...definitionOf(widget), title: `${widget.title.slice(0, 190)} (copy)`, position: placeFor(widgets, widget.position) }),
  };
}
