import { isNumeric } from '@/lib/cells';

import { exactValue } from '../numbers';
import type { Series } from '../series';

/** The same numbers as a table, every digit of them. */
export function WidgetTable({ title, series: { points, measures, by, groupType, outside } }: { title: string; series: Series }) {
  const all = outside ? [...points, outside] : points;
  return (
    <div className="widget-table" role="region" aria-label={`${title}, as a table`} tabIndex={0}>
      <table className="list-table">
        <caption className="visually-hidden">{title}</caption>
        <thead>
          <tr>
            <th scope="col" className={isNumeric(groupType) ? 'num' : ''}>{by}</th>
            {measures.map(({ name }, i) => <th key={i} scope="col" className="num">{name}</th>)}
          </tr>
        </thead>
        <tbody>
          {all.map((point) => (
            <tr key={point.key}>
              <th scope="row" className={`${isNumeric(groupType) ? 'num' : ''} ${point.absent ? 'absent' : ''}`}>{point.label}</th>
              {measures.map(({ type }, i) => <td key={i} className="num">{exactValue(point.values[i], type)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
