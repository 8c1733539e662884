import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ReceiptText } from 'lucide-react';

import { Button } from '@/components/button';
import { Empty, Failed, Skeleton } from '@/components/states';
import { Time } from '@/components/time';
import type { Dataset, VersionInfo } from '@/lib/api/types';
import { plural } from '@/lib/format';
import { ReceiptLine } from '@/features/uploads/components/receipt';

import { versionsQuery } from '../api';

const KINDS: Record<VersionInfo['kind'], string> = { import: 'import', grid: 'edit session', restore: 'restore', api: 'API' };

function VersionItem({ dataset, info, shown }: { dataset: Dataset; info: VersionInfo; shown: number }) {
  const isHead = info.version === dataset.version;
  return (
    <li className="version-row" data-version={info.version}>
      <b>v{info.version}</b>
      <div className="stack" style={{ gap: 4 }}>
        <div className="row" style={{ flexWrap: 'wrap' }}>
          <span>{info.message || KINDS[info.kind]}</span>
          <span className="badge info">{KINDS[info.kind]}</span>
          {isHead ? <span className="badge good">head</span> : null}
          {info.tags.map((tag) => <span key={tag} className="badge">{tag}</span>)}
        </div>
        <span className="small faint">
          {info.author ?? 'a former member'} · <Time iso={info.published_at} /> · {plural(info.rows, 'row')}
        </span>
        {info.receipt ? <ReceiptLine receipt={info.receipt} /> : null}
      </div>
      <div>
        {info.version === shown ? (
          <span className="small faint">Shown in the grid</span>
        ) : (
          <Link to="/datasets/$id" params={{ id: dataset.id }} search={isHead ? {} : { version: info.version }} className="btn tiny">
            View v{info.version}
          </Link>
        )}
      </div>
    </li>
  );
}

export function HistoryTab({ dataset, shown }: { dataset: Dataset; shown: number }) {
  const versions = useInfiniteQuery(versionsQuery(dataset.id));
  const all = versions.data?.pages.flatMap((page) => page.versions) ?? [];
  return (
    <div className="page">
      {versions.isPending ? <Skeleton /> : null}
      {versions.isError && all.length === 0 ? <Failed error={versions.error} what="The versions could not be read" onRetry={() => void versions.refetch()} /> : null}
      {versions.data && all.length === 0 ? (
        <Empty icon={<ReceiptText size={28} aria-hidden />} title="No versions yet">Every import and every edit session becomes a version here.</Empty>
      ) : null}
      {all.length > 0 ? (
        <ol className="card">
          {all.map((info) => <VersionItem key={info.version} dataset={dataset} info={info} shown={shown} />)}
        </ol>
      ) : null}
      {versions.hasNextPage ? <Button onPress={() => void versions.fetchNextPage()} isDisabled={versions.isFetchingNextPage}>Show older versions</Button> : null}
    </div>
  );
}
