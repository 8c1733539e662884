import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';

import { Button } from '@/components/button';
import { ProblemNotice } from '@/components/states';
import { cancelUpload, uploadQuery } from '@/features/uploads/api';
import { StateBadge } from '@/features/uploads/components/upload-table';
import { isOver } from '@/features/uploads/upload-state';
import { codeOf } from '@/lib/api/problem';
import type { Upload } from '@/lib/api/types';
import { plural } from '@/lib/format';

/** The way from one table of a file to the others, and to importing this one alone. */
export function PreviewTables({ upload, isLocked }: { upload: Upload; isLocked: boolean }) {
  const client = useQueryClient();
  const others = upload.tables.filter((table) => table.upload_id !== upload.id && !isOver(table));
  const alone = useMutation({
    mutationFn: async () => {
      for (const { upload_id } of others) {
        await cancelUpload(upload_id).catch((error: unknown) => {
          // One that is over meanwhile is not in the way.
          if (codeOf(error) !== 'conflict') throw error;
        });
      }
    },
    onSettled: () => client.invalidateQueries({ queryKey: uploadQuery(upload.id).queryKey, exact: true }),
  });
  if (upload.tables.length < 2) return null;
  return (
    <nav className="card preview-panel" aria-label={`Tables of ${upload.file_name}`}>
      <p className="small faint">This file has {plural(upload.tables.length, 'table')}. Each is imported by itself, when you say so.</p>
      <ul className="preview-tables">
        {upload.tables.map((table) => (
          <li key={table.upload_id}>
            <Link
              to={isOver(table) ? '/uploads/$id' : '/uploads/$id/preview'}
              params={{ id: table.upload_id }}
              className="btn"
              title={table.dataset_name}
              {...(table.upload_id === upload.id ? { 'aria-current': 'page' as const } : {})}
            >
              <span className="cut">{table.name}</span>
              <StateBadge state={table.state} />
            </Link>
          </li>
        ))}
      </ul>
      {others.length > 0 ? (
        <div className="row">
          <Button size="tiny" isDisabled={isLocked || alone.isPending} onPress={() => alone.mutate()}>
            Only {upload.table}: cancel {others.length === 1 ? 'the other table' : `the ${others.length} others`}
          </Button>
        </div>
      ) : null}
      {alone.isError ? <ProblemNotice error={alone.error} /> : null}
    </nav>
  );
}
