// The widgets of a dataset and their numbers, as queries and calls.
import { keepPreviousData, queryOptions } from '@tanstack/react-query';

import { unwrap } from '@/lib/api/client';
import { fetchWithSession } from '@/lib/api/session';

import type { Aggregate, Widget, WidgetDefinition } from './types';

interface Call {
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  query?: Record<string, string>;
  body?: unknown;
  signal?: AbortSignal;
}

async function answerOf(request: Request): Promise<{ data?: unknown; error?: unknown; response: Response }> {
  const response = await fetchWithSession(request);
  if (response.status === 204) return { response };
  const body: unknown = await response.json().catch(() => null);
  return response.ok ? { data: body, response } : { error: body, response };
}

async function call<T>(path: string, { method = 'GET', query = {}, body, signal }: Call): Promise<T> {
  const url = new URL(`/api/v1/datasets/${path}`, window.location.origin);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const headers = { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const request = new Request(url, { method, headers, credentials: 'same-origin', body: body === undefined ? null : JSON.stringify(body), signal: signal ?? null });
  return (await unwrap(answerOf(request))) as T;
}

export const widgetsQuery = (dataset: string) =>
  queryOptions({
    queryKey: ['dataset', dataset, 'widgets'],
    queryFn: async ({ signal }) => (await call<{ widgets: Widget[] }>(`${dataset}/widgets`, { signal })).widgets,
  });

/** What is asked of the data; the rest of a definition is looks. */
export type Question = Pick<WidgetDefinition, 'group' | 'measures' | 'filter' | 'sort' | 'limit'>;

/** Computed ad hoc: for a preview at the head, or for the version that is viewed. */
export const aggregateQuery = (dataset: string, question: Question, version: number) => {
  const { group, measures, filter, sort, limit } = question;
  const query = {
    measures: measures.join(','),
    version: String(version),
    sort,
    limit: String(limit),
    ...(group === null ? {} : { group }),
    ...(filter === null ? {} : { filter: JSON.stringify(filter) }),
  };
  return queryOptions({
    queryKey: ['aggregate', dataset, query],
    queryFn: ({ signal }) => call<Aggregate>(`${dataset}/aggregate`, { query, signal }),
    staleTime: Infinity,
    placeholderData: keepPreviousData,
  });
};

export const createWidget = (dataset: string, definition: WidgetDefinition) => call<Widget>(`${dataset}/widgets`, { method: 'POST', body: definition });

export const updateWidget = (dataset: string, id: string, change: Partial<WidgetDefinition>) =>
  call<Widget>(`${dataset}/widgets/${id}`, { method: 'PATCH', body: change });

export const deleteWidget = (dataset: string, id: string) => call<undefined>(`${dataset}/widgets/${id}`, { method: 'DELETE' });
