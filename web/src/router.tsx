// The map of pages. Everything but sign-in hangs below the frame, which asks who is there first.
import { QueryCache, QueryClient } from '@tanstack/react-query';
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from '@tanstack/react-router';

import { Failed } from '@/components/states';
import { meQuery } from '@/features/session/api';
import { datasetQuery, datasetsQuery } from '@/features/datasets/api';
import { codeOf, isTransient } from '@/lib/api/problem';
import { onSignedOut } from '@/lib/api/session';
import { type DatasetSearch, readDatasetSearch } from '@/routes/dataset-search';
import { NotFoundPage } from '@/routes/not-found';

// Each page is a file of its own, fetched when somebody goes there; `preload` lets the loader ask for it beside the data.
const Frame = lazyRouteComponent(() => import('@/routes/frame'), 'Frame');
const SignInPage = lazyRouteComponent(() => import('@/routes/sign-in'), 'SignInPage');
const DatasetsPage = lazyRouteComponent(() => import('@/routes/datasets'), 'DatasetsPage');
const DatasetPage = lazyRouteComponent(() => import('@/routes/dataset'), 'DatasetPage');
const UploadsPage = lazyRouteComponent(() => import('@/routes/uploads'), 'UploadsPage');
const UploadPage = lazyRouteComponent(() => import('@/routes/upload'), 'UploadPage');
const PreviewPage = lazyRouteComponent(() => import('@/routes/preview'), 'PreviewPage');
const UsersPage = lazyRouteComponent(() => import('@/routes/users'), 'UsersPage');

export const queryClient = new QueryClient({
  queryCache: new QueryCache({
    // What lies below a dataset is gone when the dataset is, for instance when a role was revoked: its page must say so as well.
    onError: (error, { queryKey: [kind, id, ...below] }) => {
      if (kind !== 'dataset' || below.length === 0 || codeOf(error) !== 'not_found') return;
      void queryClient.invalidateQueries({ queryKey: ['dataset', id], exact: true });
      void queryClient.invalidateQueries({ queryKey: ['datasets'] });
    },
  }),
  defaultOptions: {
    queries: {
      retry: (failures, error) => failures < 2 && isTransient(error),
      retryDelay: (attempt) => Math.min(4000, 500 * 2 ** attempt) * (0.75 + Math.random() / 2),
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});

/** The page shows the failure itself, with what can be done. */
const shown = (): void => undefined;

const root = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  component: Outlet,
  notFoundComponent: NotFoundPage,
});

interface SignInSearch {
  return_to?: string;
  error?: string;
  request_id?: string;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' || typeof value === 'number' ? String(value) : undefined);

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: (search: Record<string, unknown>): SignInSearch => {
    const [returnTo, error, requestId] = [text(search.return_to), text(search.error), text(search.request_id)];
    return { ...(returnTo ? { return_to: returnTo } : {}), ...(error ? { error } : {}), ...(requestId ? { request_id: requestId } : {}) };
  },
  component: () => <SignInPage {...signIn.useSearch()} />,
});

const frame = createRoute({
  getParentRoute: () => root,
  id: 'frame',
  beforeLoad: async ({ context, location }) => {
    try {
      await context.queryClient.query({ ...meQuery, staleTime: 'static' });
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- the router's own way to redirect
      if (codeOf(error) === 'unauthenticated') throw redirect({ to: '/sign-in', search: { return_to: location.href } });
      throw error;
    }
  },
  errorComponent: ({ error, reset }) => <Failed error={error} what="Gridkeep could not start" onRetry={() => void router.invalidate().then(reset)} />,
  component: Frame,
});

const datasets = createRoute({
  getParentRoute: () => frame,
  path: '/',
  loader: ({ context }) => context.queryClient.query(datasetsQuery).catch(shown),
  component: DatasetsPage,
});

const dataset = createRoute({
  getParentRoute: () => frame,
  path: '/datasets/$id',
  validateSearch: (search: Record<string, unknown>): DatasetSearch => readDatasetSearch(search),
  loader: ({ context, params }) => Promise.all([DatasetPage.preload?.(), context.queryClient.query(datasetQuery(params.id)).catch(shown)]),
  component: function DatasetRoute() {
    const { id } = dataset.useParams();
    return <DatasetPage key={id} id={id} search={dataset.useSearch()} />;
  },
});

const uploads = createRoute({ getParentRoute: () => frame, path: '/uploads', component: UploadsPage });
const upload = createRoute({
  getParentRoute: () => frame,
  path: '/uploads/$id',
  loader: () => UploadPage.preload?.(),
  component: function UploadRoute() {
    return <UploadPage id={upload.useParams().id} />;
  },
});
const preview = createRoute({
  getParentRoute: () => frame,
  path: '/uploads/$id/preview',
  loader: () => PreviewPage.preload?.(),
  component: function PreviewRoute() {
    const { id } = preview.useParams();
    return <PreviewPage key={id} id={id} />;
  },
});
const users = createRoute({ getParentRoute: () => frame, path: '/users', component: UsersPage });

export const router = createRouter({
  routeTree: root.addChildren([signIn, frame.addChildren([datasets, dataset, uploads, upload, preview, users])]),
  context: { queryClient },
  defaultPreload: 'intent',
  defaultPreloadStaleTime: 0,
});

onSignedOut(() => {
  queryClient.clear();
  const { location } = router.state;
  if (location.pathname !== '/sign-in') void router.navigate({ to: '/sign-in', search: { return_to: location.href } });
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
