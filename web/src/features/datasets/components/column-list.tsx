import './column-list.css';

import { useState } from 'react';

import { Button } from '@/components/button';
import type { Column, Dataset } from '@/lib/api/types';
import { typeMark, typeName } from '@/lib/cells';

import { rulesInWords } from '../rules';
import { RulesDialog } from './rules-dialog';

/** How null was spelled in the file: not at all, as an empty cell, or as a word. */
const nullSpelling = (token: string | null | undefined): string | null => (token === '' ? 'empty cell' : (token ?? null));

/** On a phone what is not there is left out, and what is says what it is. */
function Spelling({ of, value }: { of: string; value: string | null }) {
  if (value === null) return <td className="faint desk-only">–</td>;
  return <td><span className="phone-only faint">{of} </span><span className="mono">{value}</span></td>;
}

/** The columns and, for an owner, their rules to be changed. */
export function ColumnList({ dataset }: { dataset: Dataset }) {
  const [ruling, setRuling] = useState<Column | null>(null);
  return (
    <div className="column-list" role="region" aria-label="Columns" tabIndex={0}>
      <table className="list-table folds">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Type</th>
            <th scope="col">Spelled as</th>
            <th scope="col">Null in the file</th>
            <th scope="col">Rules</th>
            <th scope="col">Id</th>
          </tr>
        </thead>
        <tbody>
          {dataset.columns.map((column) => (
            <tr key={column.id}>
              <td>{column.name}</td>
              <td>{typeName(column.type)} <span className="faint mono" aria-hidden>{typeMark(column.type)}</span></td>
              <Spelling of="Spelled as" value={column.format ?? null} />
              <Spelling of="Null in the file:" value={nullSpelling(column.null_token)} />
              <td className="column-rules">
                {rulesInWords(dataset.rules[column.id]) ?? <span className="faint desk-only">–</span>}
                {dataset.role === 'owner' ? <Button size="tiny" look="quiet" aria-label={`Rules of ${column.name}`} onPress={() => setRuling(column)}>Set rules</Button> : null}
              </td>
              <td className="mono faint desk-only">{column.id}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {ruling ? <RulesDialog dataset={dataset} column={ruling} onClose={() => setRuling(null)} /> : null}
    </div>
  );
}
