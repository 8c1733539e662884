import '../compare.css';

import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { ArrowLeft, ArrowLeftRight, ArrowRight, Equal } from 'lucide-react';
import { useCallback, useMemo, useState } from 'react';

import { Button, IconButton } from '@/components/button';
import { Checkbox } from '@/components/checkbox';
import { Empty, Failed, Skeleton } from '@/components/states';
import { snapshotQuery } from '@/features/datasets/api';
import type { Column, Dataset, Diff } from '@/lib/api/types';
import { count, plural } from '@/lib/format';

import { diffQuery } from '../api';
import { columnChanges, type ColumnChange } from '../column-changes';
import { changedColumns, type Sides } from '../diff-cells';
import { ChangeCount, SIGNS } from './change-counts';
import { DiffTable } from './diff-table';
import { VersionPicker } from './version-picker';

/** From this many columns on only the changed ones are shown, until somebody asks for all. */
const MANY_COLUMNS = 20;

interface CompareViewProps {
  dataset: Dataset;
  from: number;
  to: number;
}

/** What changed from one version to another. Both are in the address. */
export function CompareView({ dataset, from, to }: CompareViewProps) {
  const navigate = useNavigate();
  const show = (one: number, other: number): void =>
    void navigate({ to: '/datasets/$id', params: { id: dataset.id }, search: (before) => ({ ...before, tab: 'history' as const, from: one, to: other }) });
  const diff = useInfiniteQuery(diffQuery(dataset.id, from, to));
  const before = useQuery(snapshotQuery(dataset.id, from));
  const after = useQuery(snapshotQuery(dataset.id, to));
  const failed = [diff, before, after].find((query) => query.isError);
  const first = diff.data?.pages[0];
  const back = (
    <Link to="/datasets/$id" params={{ id: dataset.id }} search={{ tab: 'history' }} className="btn">
      <ArrowLeft size={14} aria-hidden /> History
    </Link>
  );
  return (
    <section className="compare" aria-label={`Comparison of v${from} with v${to}`}>
      <div className="compare-head">
        <div className="compare-line">
          {back}
          <div className="compare-sides">
            <VersionPicker dataset={dataset.id} label="Compare from" value={from} onChange={(version) => show(version, to)} />
            <ArrowRight size={15} aria-hidden />
            <VersionPicker dataset={dataset.id} label="Compare with" value={to} onChange={(version) => show(from, version)} />
            <IconButton label="Swap the versions" onPress={() => show(to, from)}>
              <ArrowLeftRight size={15} aria-hidden />
            </IconButton>
          </div>
          {first ? <Counts diff={first} /> : null}
        </div>
        {before.data && after.data ? <ColumnChanges changes={columnChanges(before.data.columns, after.data.columns)} /> : null}
      </div>
      {failed && !diff.data ? (
        <Failed error={failed.error} what="The versions could not be compared" onRetry={() => void Promise.all([diff.refetch(), before.refetch(), after.refetch()])} actions={back} />
      ) : null}
      {!failed && !(first && before.data && after.data) ? <Skeleton lines={8} /> : null}
      {first && before.data && after.data ? (
        <Rows key={`${from}:${to}`} dataset={dataset} from={from} to={to} before={before.data.columns} after={after.data.columns} />
      ) : null}
    </section>
  );
}

const Counts = ({ diff }: { diff: Diff }) => (
  <div className="compare-line" role="status" aria-label="Rows that differ">
    <ChangeCount kind="added" n={diff.inserted} word="added" />
    <ChangeCount kind="removed" n={diff.deleted} word="removed" />
    <ChangeCount kind="changed" n={diff.updated} word="changed" />
  </div>
);

function ColumnChanges({ changes }: { changes: readonly ColumnChange[] }) {
  if (changes.length === 0) return null;
  return (
    <ul className="compare-columns" aria-label="Columns that differ">
      {changes.map((change) => (
        <li key={change.id} className={`change-count ${change.kind}`}>
          <span aria-hidden>{SIGNS[change.kind]}</span> column <b>{change.name}</b> {change.kind} <span className="faint">({change.what})</span>
        </li>
      ))}
    </ul>
  );
}

interface RowsProps extends CompareViewProps {
  before: readonly Column[];
  after: readonly Column[];
}

function Rows({ dataset, from, to, before, after }: RowsProps) {
  const diff = useInfiniteQuery(diffQuery(dataset.id, from, to));
  const pages = diff.data?.pages;
  const first = pages?.[0];
  const rows = useMemo(() => pages?.flatMap((page) => page.rows) ?? [], [pages]);
  const sides: Sides = useMemo(() => ({ before: new Set(before.map(({ id }) => id)), after: new Set(after.map(({ id }) => id)) }), [before, after]);
  const [onlyChanged, setOnlyChanged] = useState((first?.updated ?? 0) > 0 && (first?.columns.length ?? 0) > MANY_COLUMNS);
  const { fetchNextPage, hasNextPage, isFetchingNextPage, isFetchNextPageError } = diff;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage();
  }, [fetchNextPage, hasNextPage, isFetchingNextPage, isFetchNextPageError]);
  const columns = first?.columns;
  const shown = useMemo(() => (columns ? (onlyChanged ? changedColumns(rows, columns, sides) : columns.map((_, at) => at)) : []), [columns, onlyChanged, rows, sides]);
  if (!first) return null;
  const total = first.inserted + first.updated + first.deleted;
  if (total === 0) {
    const otherwise = columnChanges(before, after).length;
    return (
      <Empty icon={<Equal size={28} aria-hidden />} title="No difference">
        {otherwise === 0 ? `v${from} and v${to} hold the same rows, cell for cell.` : `The rows are the same, cell for cell; ${plural(otherwise, 'column')} differ${otherwise === 1 ? 's' : ''}.`}
      </Empty>
    );
  }
  return (
    <>
      <DiffTable dataset={dataset.id} from={from} to={to} columns={first.columns} shown={shown} sides={sides} rows={rows} total={total} onNearEnd={more} />
      <div className="diff-foot">
        <span role="status">
          {rows.length < total ? `${count(rows.length)} of ${plural(total, 'row')} that differ are loaded` : `${plural(total, 'row')} differ${total === 1 ? 's' : ''}`}
        </span>
        {hasNextPage ? (
          <Button size="tiny" onPress={() => void fetchNextPage()} isDisabled={isFetchingNextPage}>
            {isFetchNextPageError ? 'Try again' : 'Load more'}
          </Button>
        ) : null}
        {isFetchNextPageError ? <span role="alert">The next rows could not be read.</span> : null}
        <span className="grow" />
        <Checkbox isSelected={onlyChanged} onChange={setOnlyChanged}>Changed columns only</Checkbox>
      </div>
    </>
  );
}
