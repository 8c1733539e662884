import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { FileUp, History } from 'lucide-react';
import { lazy, Suspense, useEffect } from 'react';
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';

import { Button } from '@/components/button';
import { Failed, Skeleton } from '@/components/states';
import { Time } from '@/components/time';
import { datasetQuery, versionsQuery } from '@/features/datasets/api';
import { HistoryTab } from '@/features/datasets/components/history-tab';
import { QuarantineTab } from '@/features/datasets/components/quarantine-tab';
import { SettingsTab } from '@/features/datasets/components/settings-tab';
import { remember } from '@/features/datasets/recent';
import { ImportsTab } from '@/features/uploads/components/imports-tab';
import { chooseFiles } from '@/features/uploads/drop-intent';
import { codeOf } from '@/lib/api/problem';
import { count, dayTime } from '@/lib/format';
import type { Dataset } from '@/lib/api/types';

import type { DatasetSearch, Tab as TabName } from './dataset-search';
import { GridTab } from './grid-tab';

/** The grid does not wait for it. */
const DashboardTab = lazy(() => import('@/features/dashboard/components/dashboard-tab'));

function VersionBand({ id, version }: { id: string; version: number }) {
  const versions = useInfiniteQuery(versionsQuery(id));
  const info = versions.data?.pages.flatMap((page) => page.versions).find((other) => other.version === version);
  return (
    <div className="version-band" role="status">
      <History size={15} aria-hidden />
      <span>
        Viewing v{version}
        {info ? ` as of ${dayTime(info.published_at)}` : ''} · read only
      </span>
      <Link to="/datasets/$id" params={{ id }} search={(before) => ({ ...before, version: undefined, row: undefined })} className="btn tiny">
        Back to head
      </Link>
    </div>
  );
}

export function DatasetPage({ id, search }: { id: string; search: DatasetSearch }) {
  const navigate = useNavigate();
  const dataset = useQuery(datasetQuery(id));
  useEffect(() => {
    if (dataset.data) {
      remember(dataset.data.id);
      document.title = `${dataset.data.name} · Gridkeep`;
    }
    return () => {
      document.title = 'Gridkeep';
    };
  }, [dataset.data]);

  if (dataset.isPending) return <Skeleton lines={10} />;
  if (!dataset.data || codeOf(dataset.error) === 'not_found') {
    return <Failed error={dataset.error} what="The dataset could not be read" onRetry={() => void dataset.refetch()} actions={<Link to="/" className="btn">Go to datasets</Link>} />;
  }
  return <Shown dataset={dataset.data} search={search} onTab={(tab) => void navigate({ to: '/datasets/$id', params: { id }, search: (before) => ({ ...before, tab: tab === 'grid' ? undefined : tab }) })} />;
}

function Shown({ dataset, search, onTab }: { dataset: Dataset; search: DatasetSearch; onTab: (tab: TabName) => void }) {
  const { id } = dataset;
  const old = search.version !== undefined && search.version !== dataset.version ? search.version : null;
  return (
    <div className="ds">
      <div className="ds-bar">
        <h1 title={dataset.name}>{dataset.name}</h1>
        {old === null ? (
          <Link to="/datasets/$id" params={{ id }} search={(before) => ({ ...before, tab: 'history' as const })} className="chip" title="Open History">
            v{dataset.version} · <Time iso={dataset.published_at} />
          </Link>
        ) : null}
        <span className="grow" />
        {dataset.role === 'viewer' ? (
          <span className="badge">viewer</span>
        ) : (
          <Button onPress={() => chooseFiles(id)} aria-label="Upload rows">
            <FileUp size={15} aria-hidden /> <span className="desk-only">Upload rows</span>
          </Button>
        )}
      </div>
      <Tabs selectedKey={search.tab ?? 'grid'} onSelectionChange={(key) => onTab(key as TabName)} style={{ display: 'contents' }}>
        <TabList className="tabs ds-tabs" aria-label="Of this dataset">
          <Tab id="grid" className="tab">Grid</Tab>
          <Tab id="dashboard" className="tab">Dashboard</Tab>
          <Tab id="history" className="tab">History</Tab>
          <Tab id="imports" className="tab">Imports</Tab>
          <Tab id="quarantine" className="tab">
            Quarantine
            <span className={`badge ${dataset.quarantined > 0 ? 'warn' : ''}`}>{count(dataset.quarantined)}</span>
          </Tab>
          <Tab id="settings" className="tab">Settings</Tab>
        </TabList>
        {old === null ? null : <VersionBand id={id} version={old} />}
        <TabPanel id="grid" className="ds-panel">
          <GridTab dataset={dataset} search={search} />
        </TabPanel>
        <TabPanel id="dashboard" className="ds-panel scrolls">
          <Suspense fallback={<Skeleton lines={8} />}>
            <DashboardTab dataset={dataset} old={old} gridFilter={search.filter} />
          </Suspense>
        </TabPanel>
        <TabPanel id="history" className="ds-panel scrolls">
          <HistoryTab dataset={dataset} shown={old ?? dataset.version} />
        </TabPanel>
        <TabPanel id="imports" className="ds-panel scrolls">
          <ImportsTab datasetId={id} />
        </TabPanel>
        <TabPanel id="quarantine" className="ds-panel scrolls">
          <QuarantineTab dataset={dataset} />
        </TabPanel>
        <TabPanel id="settings" className="ds-panel scrolls">
          <SettingsTab dataset={dataset} />
        </TabPanel>
      </Tabs>
    </div>
  );
}
