import { useQuery } from '@tanstack/react-query';

import { Copyable } from '@/components/copyable';
import { Failed, Skeleton } from '@/components/states';

import { dropFolderQuery } from '../api';
import { dropCommand } from '../commands';

/** Where partners drop files, and what becomes of them. */
export function DropFolderCard({ datasetId }: { datasetId: string }) {
  const folder = useQuery(dropFolderQuery(datasetId));
  return (
    <section className="card stack" style={{ padding: 20 }}>
      <h2>Drop folder</h2>
      <p>A file that is put into this folder of the bucket is imported as the owner of the dataset. Its rows are appended, unless a settings file says otherwise.</p>
      {folder.isPending ? <Skeleton lines={3} /> : null}
      {folder.isError ? <Failed error={folder.error} what="The drop folder could not be read" onRetry={() => void folder.refetch()} /> : null}
      {folder.data ? (
        <>
          <Copyable text={dropCommand(folder.data)} what="the command" />
          <p className="small faint">
            What became of each file is written to <span className="mono">{folder.data.outcomes_prefix}</span> under the same name and <span className="mono">.json</span>. The
            settings file is <span className="mono">{folder.data.settings_key}</span>, for example <span className="mono">{'{"mode": "replace", "options": {"header": false}}'}</span>.
            Who may write to the bucket is decided there.
          </p>
        </>
      ) : null}
    </section>
  );
}
