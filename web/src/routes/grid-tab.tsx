import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { FileUp, ListFilter, Rows3, X } from 'lucide-react';
import { useMemo, useRef, useState } from 'react';
import { Dialog, Popover } from 'react-aria-components';

import { Button } from '@/components/button';
import { Empty, Failed, Skeleton } from '@/components/states';
import { snapshotQuery } from '@/features/datasets/api';
import { isLocal } from '@/features/edit/session';
import type { Editing } from '@/features/edit/use-cell-editing';
import { useEditSession } from '@/features/edit/use-edit-session';
import { FilterForm } from '@/features/filter/components/filter-form';
import { conditionsOf, filterText, NO_FILTER, parseFilter, withEqual } from '@/features/filter/filter';
import { describe } from '@/features/filter/words';
import { Grid } from '@/features/grid/components/grid';
import { RowPanel } from '@/features/grid/components/row-panel';
import { readSort, writeSort } from '@/features/grid/sort';
import { usePageCache } from '@/features/grid/use-page-cache';
import { chooseFiles } from '@/features/uploads/drop-intent';
import type { Column, Dataset } from '@/lib/api/types';
import { findColumn } from '@/lib/cells';

import type { DatasetSearch } from './dataset-search';

interface GridTabProps {
  dataset: Dataset;
  search: DatasetSearch;
}

/** The head's rows, or those of the version in the address. */
export function GridTab({ dataset, search }: GridTabProps) {
  const old = search.version !== undefined && search.version !== dataset.version ? search.version : null;
  const { store, state } = useEditSession(dataset.id);
  const session = old === null ? state.session : null;
  const { bad, jump } = state;
  const editing = useMemo<Editing | null>(() => (session ? { store, session, head: dataset, bad, jump } : null), [store, session, dataset, bad, jump]);
  const snapshot = useQuery({ ...snapshotQuery(dataset.id, old ?? dataset.version), enabled: old !== null });
  if (old !== null && snapshot.isPending) return <Skeleton lines={10} />;
  if (old !== null && snapshot.isError) {
    return (
      <Failed
        error={snapshot.error}
        what={`Version ${old} could not be read`}
        onRetry={() => void snapshot.refetch()}
        actions={<Link to="/datasets/$id" params={{ id: dataset.id }} className="btn">Back to head</Link>}
      />
    );
  }
  // A session reads the version it began on, whatever is published meanwhile.
  if (session) return <GridOfVersion key="head" dataset={dataset} search={search} version={session.baseVersion} columns={session.columns} rows={session.rows} isHead editing={editing} />;
  const columns = old === null ? dataset.columns : (snapshot.data?.columns ?? []);
  const rows = old === null ? dataset.rows : (snapshot.data?.total ?? 0);
  return <GridOfVersion key={old ?? 'head'} dataset={dataset} search={search} version={old ?? dataset.version} columns={columns} rows={rows} isHead={old === null} editing={null} />;
}

interface GridOfVersionProps extends GridTabProps {
  version: number;
  columns: readonly Column[];
  rows: number;
  isHead: boolean;
  editing: Editing | null;
}

function GridOfVersion({ dataset, search, version, columns, rows, isHead, editing }: GridOfVersionProps) {
  const navigate = useNavigate();
  const [openNew, setOpenNew] = useState<string | null>(null);
  const set = (change: Pick<DatasetSearch, 'sort' | 'filter' | 'row'>): void =>
    void navigate({ to: '/datasets/$id', params: { id: dataset.id }, search: (before) => ({ ...before, ...change }), replace: 'row' in change });
  const cache = usePageCache({ dataset: dataset.id, version, sort: search.sort, filter: search.filter, total: rows });
  const sort = useMemo(() => readSort(search.sort), [search.sort]);
  // Null: what stands in the address is no filter.
  const filter = useMemo(() => parseFilter(search.filter), [search.filter]);
  const filteredBy = useMemo(() => new Set(conditionsOf(filter ?? NO_FILTER).flatMap(({ column }) => findColumn(columns, column)?.id ?? [])), [filter, columns]);
  const [building, setBuilding] = useState<{ column: string | null } | null>(null);
  const filterButton = useRef<HTMLDivElement>(null);
  const nameOf = (id: string): string => findColumn(columns, id)?.name ?? id;

  // A new row has no address yet: it is open here alone.
  const shownNew = openNew !== null && editing?.session.added.has(openNew) ? openNew : null;
  const shownRow = shownNew ?? (search.row === undefined ? null : String(search.row));
  const openRow = (rowId: string): void => {
    setOpenNew(isLocal(rowId) ? rowId : null);
    if (!isLocal(rowId)) set({ row: Number(rowId) });
  };

  if (rows === 0 && !editing) {
    return (
      <Empty
        icon={<Rows3 size={28} aria-hidden />}
        title="No rows"
        actions={isHead && dataset.role !== 'viewer' ? <Button look="primary" onPress={() => chooseFiles(dataset.id)}><FileUp size={15} aria-hidden /> Upload rows</Button> : null}
      >
        This version has {columns.length} columns and no rows: {columns.slice(0, 12).map((column) => column.name).join(', ')}
        {columns.length > 12 ? ', …' : ''}
      </Empty>
    );
  }
  return (
    <>
      <div className="grid-tools">
        <div ref={filterButton}>
          <Button size="tiny" onPress={() => setBuilding({ column: null })}>
            <ListFilter size={13} aria-hidden /> Filter
          </Button>
        </div>
        {filter?.items.map((item, i) => (
          <Button
            key={i} size="tiny" aria-label={`Remove the filter ${describe(item, columns)}`}
            onPress={() => set({ filter: filterText({ ...filter, items: filter.items.filter((_, at) => at !== i) }) })}
          >
            {i > 0 ? <span className="faint">{filter.join}</span> : null}
            <span className="cut" style={{ maxWidth: 260 }}>{describe(item, columns)}</span> <X size={12} aria-hidden />
          </Button>
        ))}
        {filter === null ? <span className="small faint">The filter in the address cannot be read.</span> : null}
        {search.filter === undefined ? null : <Button size="tiny" look="quiet" onPress={() => set({ filter: undefined })}>Clear</Button>}
        {sort.length > 1 ? (
          <Button size="tiny" look="quiet" aria-label="Remove the order" onPress={() => set({ sort: undefined })}>
            <span className="cut" style={{ maxWidth: 320 }}>Sorted by {sort.map(({ column, desc }) => `${nameOf(column)} ${desc ? '↓' : '↑'}`).join(', ')}</span> <X size={12} aria-hidden />
          </Button>
        ) : null}
        <Popover className="popover" triggerRef={filterButton} isOpen={building !== null} onOpenChange={(open) => open || setBuilding(null)} placement="bottom start" offset={4}>
          <Dialog aria-label="Filter" className="filter-dialog">
            <FilterForm
              filter={filter ?? NO_FILTER}
              columns={columns}
              startWith={building?.column ?? null}
              onApply={(next) => {
                setBuilding(null);
                set({ filter: filterText(next) });
              }}
            />
          </Dialog>
        </Popover>
      </div>
      <div className="grid-with-panel">
        {cache.total === 0 && !editing ? (
          <Empty icon={<Rows3 size={28} aria-hidden />} title="No row passes the filter" actions={<Button onPress={() => set({ filter: undefined })}>Clear the filter</Button>}>
            The version has rows; none of them has these values.
          </Empty>
        ) : (
          <Grid
            dataset={dataset.id}
            label={`Rows of ${dataset.name}, version ${version}`}
            version={version}
            columns={columns}
            cache={cache}
            allRows={rows}
            filtered={search.filter !== undefined}
            sort={sort}
            onSort={(next) => set({ sort: writeSort(next) })}
            filteredBy={filteredBy}
            onFilterColumn={(column) => setBuilding({ column })}
            onFilter={(column, value) => set({ filter: filterText(withEqual(filter ?? NO_FILTER, column, value)) })}
            onOpenRow={openRow}
            editing={editing}
          />
        )}
        {shownRow === null ? null : (
          <RowPanel
            dataset={dataset.id}
            version={version}
            rowId={shownRow}
            columns={columns}
            editing={editing}
            onClose={() => {
              setOpenNew(null);
              if (shownNew === null) set({ row: undefined });
            }}
          />
        )}
      </div>
    </>
  );
}
