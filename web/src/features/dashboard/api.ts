// The widgets of a dataset and their numbers, as queries and calls.
import { keepPreviousData, queryOptions } from '@tanstack/react-query';

import { api, unwrap } from '@/lib/api/client';

import type { Aggregate, Widget, WidgetDefinition } from './types';

export const widgetsQuery = (dataset: string) =>
  queryOptions({
    queryKey: ['dataset', dataset, 'widgets'],
    queryFn: async ({ signal }) => (await unwrap(api.GET('/api/v1/datasets/{id}/widgets', { params: { path: { id: dataset } }, signal }))).widgets as Widget[],
  });

/** What is asked of the data; the rest of a definition is looks. */
export type Question = Pick<WidgetDefinition, 'group' | 'measures' | 'filter' | 'sort' | 'limit'>;

/** Computed ad hoc: for a preview at the head, or for the version that is viewed. */
export const aggregateQuery = (dataset: string, question: Question, version: number) => {
  const { group, measures, filter, sort, limit } = question;
  const query = {
    measures: measures.join(','),
    version,
    sort,
    limit,
    ...(group === null ? {} : { group }),
    ...(filter === null ? {} : { filter: JSON.stringify(filter) }),
  };
  return queryOptions({
    queryKey: ['aggregate', dataset, query],
    queryFn: async ({ signal }) =>
      (await unwrap(api.GET('/api/v1/datasets/{id}/aggregate', { params: { path: { id: dataset }, query }, signal }))) as Aggregate,
    staleTime: Infinity,
    placeholderData: keepPreviousData,
  });
};

/** The document says of a filter only that it is an object. */
const asSent = <D extends Partial<WidgetDefinition>>({ filter, measures, ...rest }: D) => ({
  ...rest,
  ...(measures === undefined ? {} : { measures: [...measures] }),
  ...(filter === undefined ? {} : { filter: filter as Record<string, never> | null }),
});

export const createWidget = async (dataset: string, { title, kind, measures, ...rest }: WidgetDefinition) =>
  (await unwrap(api.POST('/api/v1/datasets/{id}/widgets', { params: { path: { id: dataset } }, body: { ...asSent(rest), title, kind, measures: [...measures] } }))) as Widget;

export const updateWidget = async (dataset: string, id: string, change: Partial<WidgetDefinition>) =>
  (await unwrap(api.PATCH('/api/v1/datasets/{id}/widgets/{widget_id}', { params: { path: { id: dataset, widget_id: id } }, body: asSent(change) }))) as Widget;

export const deleteWidget = (dataset: string, id: string) =>
  unwrap(api.DELETE('/api/v1/datasets/{id}/widgets/{widget_id}', { params: { path: { id: dataset, widget_id: id } } }));
