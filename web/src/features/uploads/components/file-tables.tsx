import { Link } from '@tanstack/react-router';

import { Button } from '@/components/button';
import { codeOf, reasonOf } from '@/lib/api/problem';
import type { FileTable } from '@/lib/api/types';
import { notify } from '@/lib/notices';

import { isOver } from '../upload-state';
import { cancelTable } from '../upload-store';
import { StateBadge } from './upload-table';

interface FileTablesProps {
  fileName: string;
  tables: readonly FileTable[];
  /** The upload whose list it is: of its own table the page around it tells. */
  current: string;
}

async function drop(current: string, fileName: string, { upload_id, name }: FileTable): Promise<void> {
  try {
    await cancelTable(current, upload_id);
  } catch (error) {
    // Of one that is over meanwhile the list tells.
    if (codeOf(error) !== 'conflict') notify({ text: `${name} of ${fileName} was not cancelled. ${reasonOf(error)}`, bad: true });
  }
}

/** All tables of a file that has several: where each goes, and what has become of it. */
export function FileTables({ fileName, tables, current }: FileTablesProps) {
  return (
    <ul className="file-tables" aria-label={`Tables of ${fileName}`}>
      {tables.map((table) => (
        <li key={table.upload_id}>
          <TableLink table={table} isCurrent={table.upload_id === current} />
          <StateBadge state={table.state} />
          {table.upload_id === current || isOver(table) ? null : (
            <Button look="quiet" size="tiny" onPress={() => void drop(current, fileName, table)} aria-label={`Cancel ${table.name} of ${fileName}; its other tables go on`}>
              Cancel
            </Button>
          )}
        </li>
      ))}
    </ul>
  );
}

/** To the rows once they are there, to the preview while it waits, else to what is known of it. */
function TableLink({ table, isCurrent }: { table: FileTable; isCurrent: boolean }) {
  const { upload_id: id, name, state, version, dataset_id, dataset_name } = table;
  const look = { className: 'cut grow', title: `${name}: ${dataset_name}`, ...(isCurrent ? { 'aria-current': true as const } : {}) };
  if (state === 'awaiting_confirmation') return <Link to="/uploads/$id/preview" params={{ id }} {...look}>{name}</Link>;
  if (state === 'published' && version) return <Link to="/datasets/$id" params={{ id: dataset_id }} {...look}>{name}</Link>;
  return <Link to="/uploads/$id" params={{ id }} {...look}>{name}</Link>;
}
