import type { Column } from '@/lib/api/types';
import { typeMark, typeName } from '@/lib/cells';

/** How null was spelled in the file: not at all, as an empty cell, or as a word. */
const nullSpelling = (token: string | null | undefined): string => (token === null || token === undefined ? '–' : token === '' ? 'empty cell' : token);

export function ColumnList({ columns }: { columns: readonly Column[] }) {
  return (
    <div style={{ overflowX: 'auto' }} role="region" aria-label="Columns" tabIndex={0}>
      <table className="list-table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Type</th>
            <th scope="col">Spelled as</th>
            <th scope="col">Null in the file</th>
            <th scope="col">Id</th>
          </tr>
        </thead>
        <tbody>
          {columns.map((column) => (
            <tr key={column.id}>
              <td style={{ minWidth: 96 }}>{column.name}</td>
              <td style={{ whiteSpace: 'nowrap' }}>{typeName(column.type)} <span className="faint mono" aria-hidden>{typeMark(column.type)}</span></td>
              <td className="mono">{column.format ?? '–'}</td>
              <td className="mono">{nullSpelling(column.null_token)}</td>
              <td className="mono faint">{column.id}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
