import { ArrowDown, ArrowUp, Equal } from 'lucide-react';
import { type CSSProperties, Fragment } from 'react';

import { readMeasure } from '../measures';
import { type Change, changeOf, exactValue, shownValue, unitOf } from '../numbers';
import type { Result, Value } from '../types';

interface NumberBodyProps {
  title: string;
  measures: readonly string[];
  result: Result;
  previous: readonly Value[] | null;
}

const ICONS: Record<Change['direction'], typeof Equal> = { up: ArrowUp, down: ArrowDown, same: Equal };
const SPOKEN: Record<Change['direction'], string> = { up: 'up by', down: 'down by', same: '' };

function ChangeLine({ change }: { change: Change }) {
  const Icon = ICONS[change.direction];
  return (
    <p className={`number-change ${change.direction}`} title={`${change.exact} against the version before`}>
      <Icon size={13} aria-hidden />
      <span>
        <span className="visually-hidden">{SPOKEN[change.direction]} </span>
        {change.by}
        {change.percent === null ? '' : ` (${change.percent})`}
      </span>
      <span className="faint">since the version before</span>
    </p>
  );
}

/** A number too long for its card goes on in the next line after a separator, not within three digits. */
const Breakable = ({ text }: { text: string }) => text.split(/(?<=,)/).map((part, i) => <Fragment key={i}>{i > 0 ? <wbr /> : null}{part}</Fragment>);

/** "rows" for a count of them, else what the column's name tells. */
function unitFor(measure: string, name: string): string | null {
  const read = readMeasure(measure);
  if (read?.fn === 'count') return read.column === null ? 'rows' : 'values';
  return unitOf(name);
}

/** The first measure large, with its unit and its change; others in lines below. */
export function NumberBody({ title, measures, result: { columns, rows }, previous }: NumberBodyProps) {
  const values = rows[0] ?? [];
  const [first] = columns;
  if (!first) return null;
  const change = changeOf(previous?.[0], values[0], first.type);
  const unit = unitFor(measures[0] ?? '', first.name);
  const shown = shownValue(values[0], first.type);
  const room: CSSProperties & Record<`--${string}`, number> = { '--chars': shown.length };
  // A title of one's own does not say what is counted.
  const told = title.toLowerCase().includes(first.name.toLowerCase()) || readMeasure(measures[0] ?? '')?.column === null;
  return (
    <div className="number">
      <p className="number-value" title={exactValue(values[0], first.type)} style={room}>
        <span data-testid="number"><Breakable text={shown} /></span>
        {unit === null || values[0] === null ? null : <span className="number-unit">{unit}</span>}
      </p>
      {told ? null : <p className="small faint cut">{first.name}</p>}
      {change === null ? null : <ChangeLine change={change} />}
      {columns.length > 1 ? (
        <dl className="number-more">
          {columns.slice(1).map(({ name, type }, i) => (
            <div key={i}>
              <dt className="cut">{measures[i + 1] === 'count' ? 'rows' : name}</dt>
              <dd className="num" title={exactValue(values[i + 1], type)}>{shownValue(values[i + 1], type)}</dd>
            </div>
          ))}
        </dl>
      ) : null}
    </div>
  );
}
