import './history.css';

import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ArrowLeftRight, ReceiptText } from 'lucide-react';
import { useState } from 'react';

import { Button } from '@/components/button';
import { Empty, Failed, Skeleton } from '@/components/states';
import type { Dataset } from '@/lib/api/types';
import { plural } from '@/lib/format';

import { versionsQuery } from '../api';
import { choose } from '../chosen-versions';
import { RestoreDialog } from './restore-dialog';
import { VersionItem } from './version-item';

interface ToolsProps {
  dataset: Dataset;
  chosen: readonly number[];
  onClear: () => void;
}

function Tools({ dataset, chosen, onClear }: ToolsProps) {
  const [from, to] = chosen.toSorted((a, b) => a - b);
  return (
    <div className="history-tools">
      <span className="small faint grow">{plural(dataset.version, 'version')}, newest first</span>
      {from === undefined ? <span className="small faint">Choose two to compare them</span> : null}
      {from !== undefined && to === undefined ? <span className="small" role="status">v{from} is chosen; choose another to compare</span> : null}
      {from !== undefined && to !== undefined ? (
        <Link to="/datasets/$id" params={{ id: dataset.id }} search={{ tab: 'history', from, to }} className="btn primary">
          <ArrowLeftRight size={14} aria-hidden /> Compare v{from} with v{to}
        </Link>
      ) : null}
      {chosen.length > 0 ? <Button look="quiet" onPress={onClear}>Clear</Button> : null}
    </div>
  );
}

export function HistoryTab({ dataset, shown }: { dataset: Dataset; shown: number }) {
  const versions = useInfiniteQuery(versionsQuery(dataset.id));
  const [chosen, setChosen] = useState<readonly number[]>([]);
  const [restoring, setRestoring] = useState<number | null>(null);
  const all = versions.data?.pages.flatMap((page) => page.versions) ?? [];
  return (
    <div className="page">
      {versions.isPending ? <Skeleton /> : null}
      {versions.isError && all.length === 0 ? <Failed error={versions.error} what="The versions could not be read" onRetry={() => void versions.refetch()} /> : null}
      {versions.data && all.length === 0 ? (
        <Empty icon={<ReceiptText size={28} aria-hidden />} title="No versions yet">Every import and every edit session becomes a version here.</Empty>
      ) : null}
      {all.length > 0 ? (
        <>
          <Tools dataset={dataset} chosen={chosen} onClear={() => setChosen([])} />
          <ol className="card" aria-label="Versions">
            {all.map((info) => (
              <VersionItem
                key={info.version}
                dataset={dataset}
                info={info}
                shown={shown}
                chosen={chosen.includes(info.version)}
                onChoose={(on) => setChosen((before) => choose(before, info.version, on))}
                onRestore={() => setRestoring(info.version)}
              />
            ))}
          </ol>
        </>
      ) : null}
      {versions.hasNextPage ? <Button onPress={() => void versions.fetchNextPage()} isDisabled={versions.isFetchingNextPage}>Show older versions</Button> : null}
      {restoring === null ? null : <RestoreDialog dataset={dataset} version={restoring} onClose={() => setRestoring(null)} />}
    </div>
  );
}
