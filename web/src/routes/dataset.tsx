import { useQuery } from '@tanstack/react-query';
import { lazyRouteComponent, Link, useNavigate } from '@tanstack/react-router';
import { FileUp } from 'lucide-react';
import { Suspense, useEffect } from 'react';
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';

import { Button } from '@/components/button';
import { Failed, Skeleton } from '@/components/states';
import { Time } from '@/components/time';
import { datasetQuery } from '@/features/datasets/api';
import { remember } from '@/features/datasets/recent';
import { EditButton } from '@/features/edit/components/edit-button';
import { KeptChanges, SessionDialogs } from '@/features/edit/components/session-dialogs';
import { useEditSession } from '@/features/edit/use-edit-session';
import type { RecordFilter } from '@/features/quarantine/api';
import { ShareButton } from '@/features/sharing/components/share-button';
import { chooseFiles } from '@/features/uploads/drop-intent';
import { codeOf } from '@/lib/api/problem';
import { count } from '@/lib/format';
import type { Dataset } from '@/lib/api/types';

import type { DatasetSearch, Tab as TabName } from './dataset-search';
import { GridTab } from './grid-tab';

const DashboardTab = lazyRouteComponent(() => import('@/features/dashboard/components/dashboard-tab'));
const HistoryTab = lazyRouteComponent(() => import('@/features/datasets/components/history-tab'), 'HistoryTab');
const CompareView = lazyRouteComponent(() => import('@/features/compare/components/compare-view'), 'CompareView');
const ImportsTab = lazyRouteComponent(() => import('@/features/uploads/components/imports-tab'), 'ImportsTab');
const QuarantineTab = lazyRouteComponent(() => import('@/features/quarantine/components/quarantine-tab'), 'QuarantineTab');
const SettingsTab = lazyRouteComponent(() => import('@/features/datasets/components/settings-tab'), 'SettingsTab');
const VersionBand = lazyRouteComponent(() => import('@/features/datasets/components/version-band'), 'VersionBand');

const HEAD_POLL_MS = 15_000;

export function DatasetPage({ id, search }: { id: string; search: DatasetSearch }) {
  const navigate = useNavigate();
  const editing = useEditSession(id).state.session !== null;
  // Whoever edits is told when somebody else publishes.
  const dataset = useQuery({ ...datasetQuery(id), refetchInterval: editing ? HEAD_POLL_MS : false });
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
    return <Failed error={dataset.error} what="The dataset could not be read" onRetry={() => void dataset.refetch()} actions={<><Link to="/" className="btn">Go to datasets</Link><KeptChanges dataset={id} /></>} />;
  }
  const onRecords = ({ state, code, upload }: RecordFilter): void => void navigate({ to: '/datasets/$id', params: { id }, replace: true, search: (before) => ({ ...before, records: state === 'open' ? undefined : state, reason: code, file: upload }) });
  return <Shown dataset={dataset.data} search={search} onRecords={onRecords} onTab={(tab) => void navigate({ to: '/datasets/$id', params: { id }, search: (before) => ({ ...before, from: undefined, to: undefined, tab: tab === 'grid' ? undefined : tab }) })} />;
}

interface ShownProps {
  dataset: Dataset;
  search: DatasetSearch;
  onTab: (tab: TabName) => void;
  onRecords: (filter: RecordFilter) => void;
}

function Shown({ dataset, search, onTab, onRecords }: ShownProps) {
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
        <ShareButton dataset={dataset} />
        {dataset.role === 'viewer' ? (
          <span className="badge">viewer</span>
        ) : (
          <Button onPress={() => chooseFiles(id)} aria-label="Upload rows">
            <FileUp size={15} aria-hidden /> <span className="desk-only">Upload rows</span>
          </Button>
        )}
        {old === null ? <EditButton dataset={dataset} onStart={() => onTab('grid')} /> : null}
      </div>
      {old === null ? <SessionDialogs dataset={id} /> : null}
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
        {old === null ? null : <Suspense><VersionBand dataset={dataset} version={old} /></Suspense>}
        <TabPanel id="grid" className="ds-panel">
          <GridTab dataset={dataset} search={search} />
        </TabPanel>
        <TabPanel id="dashboard" className="ds-panel scrolls">
          <Suspense fallback={<Skeleton lines={8} />}>
            <DashboardTab dataset={dataset} old={old} gridFilter={search.filter} />
          </Suspense>
        </TabPanel>
        <TabPanel id="history" className="ds-panel scrolls">
          <Suspense fallback={<Skeleton />}>
            {search.from !== undefined && search.to !== undefined ? (
              <CompareView dataset={dataset} from={search.from} to={search.to} />
            ) : (
              <HistoryTab dataset={dataset} shown={old ?? dataset.version} />
            )}
          </Suspense>
        </TabPanel>
        <TabPanel id="imports" className="ds-panel scrolls">
          <Suspense fallback={<Skeleton />}><ImportsTab datasetId={id} /></Suspense>
        </TabPanel>
        <TabPanel id="quarantine" className="ds-panel scrolls">
          <Suspense fallback={<Skeleton />}><QuarantineTab dataset={dataset} filter={{ state: search.records ?? 'open', code: search.reason, upload: search.file }} onFilter={onRecords} /></Suspense>
        </TabPanel>
        <TabPanel id="settings" className="ds-panel scrolls">
          <Suspense fallback={<Skeleton />}><SettingsTab dataset={dataset} /></Suspense>
        </TabPanel>
      </Tabs>
    </div>
  );
}
