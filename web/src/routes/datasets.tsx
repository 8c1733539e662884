import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { FileUp, Plus, Search, Table2 } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { Input, SearchField } from 'react-aria-components';

import { Button } from '@/components/button';
import { Empty, Failed, Skeleton } from '@/components/states';
import { Time } from '@/components/time';
import { datasetsQuery } from '@/features/datasets/api';
import { chooseFiles } from '@/features/uploads/drop-intent';
import type { Dataset } from '@/lib/api/types';
import { count, plural } from '@/lib/format';

const NewDatasetDialog = lazy(() => import('@/features/datasets/components/new-dataset-dialog').then((module) => ({ default: module.NewDatasetDialog })));

function DatasetTable({ datasets }: { datasets: readonly Dataset[] }) {
  return (
    <div className="card" style={{ overflow: 'hidden' }}>
      <table className="list-table folds">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" className="num">Rows</th>
            <th scope="col" className="num">Columns</th>
            <th scope="col">Version</th>
            <th scope="col">Your role</th>
          </tr>
        </thead>
        <tbody>
          {datasets.map((dataset) => (
            <tr key={dataset.id}>
              <td style={{ minWidth: 160 }}>
                <Link to="/datasets/$id" params={{ id: dataset.id }}>
                  <b style={{ fontWeight: 600 }}>{dataset.name}</b>
                </Link>
                {dataset.quarantined > 0 ? (
                  <Link to="/datasets/$id" params={{ id: dataset.id }} search={{ tab: 'quarantine' }} className="badge warn" style={{ marginLeft: 8 }}>
                    {count(dataset.quarantined)} quarantined
                  </Link>
                ) : null}
              </td>
              <td className="num">{count(dataset.rows)} <span className="phone-only">rows</span></td>
              <td className="num">{count(dataset.columns.length)} <span className="phone-only">columns</span></td>
              <td style={{ whiteSpace: 'nowrap' }}>
                v{dataset.version} · <Time iso={dataset.published_at} />
              </td>
              <td className="desk-only">{dataset.role}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function DatasetsPage() {
  const datasets = useQuery(datasetsQuery);
  const [search, setSearch] = useState('');
  const [making, setMaking] = useState(false);
  const found = (datasets.data ?? []).filter((dataset) => dataset.name.toLowerCase().includes(search.trim().toLowerCase()));
  const upload = (
    <Button look="primary" onPress={() => chooseFiles()}>
      <FileUp size={15} aria-hidden /> Upload a file
    </Button>
  );
  const make = (
    <Button onPress={() => setMaking(true)} aria-label="New dataset">
      <Plus size={15} aria-hidden /> <span className="desk-only">New dataset</span>
    </Button>
  );
  return (
    <div className="page">
      <div className="page-head">
        <h1 style={{ overflowWrap: 'normal' }}>Datasets</h1>
        {make}
        {upload}
      </div>
      {datasets.isPending ? <Skeleton /> : null}
      {datasets.isError && !datasets.data ? <Failed error={datasets.error} what="The datasets could not be read" onRetry={() => void datasets.refetch()} /> : null}
      {datasets.data?.length === 0 ? (
        <Empty icon={<Table2 size={28} aria-hidden />} title="No datasets yet" actions={<>{upload}{make}</>}>
          Drop a CSV file anywhere on this page, or choose one. Its rows become a table that keeps every version.
        </Empty>
      ) : null}
      {datasets.data && datasets.data.length > 0 ? (
        <>
          <div className="row">
            <SearchField aria-label="Search datasets" value={search} onChange={setSearch} style={{ width: 280, maxWidth: '100%' }}>
              <Input className="input" placeholder="Search datasets" />
            </SearchField>
            <span className="small faint" role="status">{plural(found.length, 'dataset')}</span>
          </div>
          {found.length > 0 ? (
            <DatasetTable datasets={found} />
          ) : (
            <Empty icon={<Search size={28} aria-hidden />} title="No dataset has this name" actions={<Button onPress={() => setSearch('')}>Clear the search</Button>}>
              Nothing among {plural(datasets.data.length, 'dataset')} matches “{search}”.
            </Empty>
          )}
        </>
      ) : null}
      {making ? (
        <Suspense>
          <NewDatasetDialog onClose={() => setMaking(false)} />
        </Suspense>
      ) : null}
    </div>
  );
}
