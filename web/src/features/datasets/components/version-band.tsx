import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { ArrowLeftRight, History, RotateCcw } from 'lucide-react';
import { useState } from 'react';

import { Button } from '@/components/button';
import type { Dataset } from '@/lib/api/types';
import { dayTime } from '@/lib/format';

import { versionQuery } from '../api';
import { RestoreDialog } from './restore-dialog';

/** Across the page while an old version is viewed: nobody takes it for the head. */
export function VersionBand({ dataset, version }: { dataset: Dataset; version: number }) {
  const navigate = useNavigate();
  const [restoring, setRestoring] = useState(false);
  const { data: info } = useQuery(versionQuery(dataset.id, version));
  const { id } = dataset;
  const toHead = (): void => void navigate({ to: '/datasets/$id', params: { id }, search: (before) => ({ ...before, version: undefined, row: undefined }) });
  return (
    <div className="version-band">
      <span className="row" role="status">
        <History size={15} aria-hidden />
        <span>
          Viewing v{version}
          {info ? ` as of ${dayTime(info.published_at)}` : ''} · read only
        </span>
      </span>
      <span className="row" style={{ flexWrap: 'wrap' }}>
        <Link to="/datasets/$id" params={{ id }} search={{ tab: 'history', from: version, to: dataset.version }} className="btn tiny">
          <ArrowLeftRight size={13} aria-hidden /> Compare with head
        </Link>
        {dataset.role === 'viewer' ? null : (
          <Button size="tiny" onPress={() => setRestoring(true)}>
            <RotateCcw size={13} aria-hidden /> Restore
          </Button>
        )}
        <Link to="/datasets/$id" params={{ id }} search={(before) => ({ ...before, version: undefined, row: undefined })} className="btn tiny">
          Back to head
        </Link>
      </span>
      {restoring ? <RestoreDialog dataset={dataset} version={version} onClose={() => setRestoring(false)} onRestored={toHead} /> : null}
    </div>
  );
}
