import './column-list.css';

import type { Column } from '@/lib/api/types';
import { typeMark, typeName } from '@/lib/cells';

/** How null was spelled in the file: not at all, as an empty cell, or as a word. */
const nullSpelling = (token: string | null | undefined): string | null => (token === '' ? 'empty cell' : (token ?? null));

/** On a phone what is not there is left out, and what is says what it is. */
function Spelling({ of, value }: { of: string; value: string | null }) {
  if (value === null) return <td className="faint desk-only">–</td>;
  return <td><span className="phone-only faint">{of} </span><span className="mono">{value}</span></td>;
}

export function ColumnList({ columns }: { columns: readonly Column[] }) {
  return (
    <div className="column-list" role="region" aria-label="Columns" tabIndex={0}>
      <table className="list-table folds">
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
              <td>{column.name}</td>
              <td>{typeName(column.type)} <span className="faint mono" aria-hidden>{typeMark(column.type)}</span></td>
              <Spelling of="Spelled as" value={column.format ?? null} />
              <Spelling of="Null in the file:" value={nullSpelling(column.null_token)} />
              <td className="mono faint desk-only">{column.id}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
