import { DiffValue } from '@/features/compare/components/diff-value';
import type { ColumnType, Options, Preview } from '@/lib/api/types';
import { isNumeric, typeMark, typeName } from '@/lib/cells';
import { count } from '@/lib/format';
import { useNarrow } from '@/lib/use-narrow';

import { type LandingColumn, saidType } from '../columns';
import { nullName } from '../nulls';
import { TypeSelect } from './type-select';

interface LandingRowsProps {
  columns: readonly LandingColumn[];
  rows: Preview['rows'];
  options: Options;
  /** What is shown is not the newest, or not all of it. */
  isReading: boolean;
  isLocked: boolean;
  onType: (source: string, type: ColumnType | undefined) => void;
}

/** The first rows as they will land; each column with its type and spelling, the type to be changed in place. */
export function LandingRows(props: LandingRowsProps) {
  const narrow = useNarrow();
  return narrow ? <ColumnCards {...props} /> : <RowTable {...props} />;
}

type HeadProps = Pick<LandingRowsProps, 'options' | 'isLocked' | 'onType'> & { landing: LandingColumn };

function ColumnHead({ landing, options, isLocked, onType }: HeadProps) {
  const { column, source, isNew, isFree } = landing;
  return (
    <div className="landing-head">
      <span className="row" style={{ gap: 6 }}>
        <b className="cut" title={column.name}>{column.name}</b>
        {isNew ? <span className="badge info">new</span> : null}
      </span>
      <span className="small faint cut" title={source ?? undefined}>{source === null ? 'not in the file' : `from ${source}`}</span>
      {isFree && source !== null ? (
        <TypeSelect landing={landing} said={saidType(options, source)} onChange={(type) => onType(source, type)} isDisabled={isLocked} />
      ) : (
        <span className="landing-type" title="The dataset’s own type: what does not fit it is set aside">
          <span className="mono faint" aria-hidden>{typeMark(column.type)}</span> {typeName(column.type)}
        </span>
      )}
      <span className="small faint cut" title={column.format ?? undefined}>
        {column.format ? <><span className="visually-hidden">Format: </span><span className="mono">{column.format}</span> · </> : null}
        {column.null_token == null ? 'no null' : <>null: {nullName(column.null_token)}</>}
      </span>
    </div>
  );
}

function Cell({ landing, cells, isReading }: { landing: LandingColumn; cells: readonly unknown[]; isReading: boolean }) {
  if (landing.at === null || cells.length <= landing.at) return isReading ? <span className="skeleton" /> : null;
  return <DiffValue value={cells[landing.at]} kind={landing.column.type} />;
}

function RowTable({ columns, rows, isReading, ...head }: LandingRowsProps) {
  return (
    <div className="landing card" role="region" aria-label="First rows" tabIndex={0} aria-busy={isReading}>
      <table>
        <thead>
          <tr>
            <th scope="col" className="no">Row</th>
            {columns.map((landing) => (
              <th key={landing.column.id} scope="col"><ColumnHead landing={landing} {...head} /></th>
            ))}
          </tr>
        </thead>
        <tbody className={isReading ? 'stale' : ''}>
          {rows.map(({ place, cells }) => (
            <tr key={place}>
              <th scope="row" className="no">{count(place)}</th>
              {columns.map((landing) => (
                <td key={landing.column.id} className={isNumeric(landing.column.type) ? 'num' : ''} data-column={landing.column.name}>
                  <Cell landing={landing} cells={cells} isReading={isReading} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length === 0 && !isReading ? <p className="faint landing-none">No row of the file lands.</p> : null}
    </div>
  );
}

/** Values that a column's card shows. */
const SHOWN = 3;

function ColumnCards({ columns, rows, isReading, ...head }: LandingRowsProps) {
  return (
    <ol className="landing-cards" aria-label="First rows, column by column" aria-busy={isReading}>
      {columns.map((landing) => (
        <li key={landing.column.id} className="card">
          <ColumnHead landing={landing} {...head} />
          <ul className={isReading ? 'stale' : ''} aria-label={`First values of ${landing.column.name}`}>
            {rows.slice(0, SHOWN).map(({ place, cells }) => (
              <li key={place} className="cut"><Cell landing={landing} cells={cells} isReading={isReading} /></li>
            ))}
          </ul>
        </li>
      ))}
    </ol>
  );
}
