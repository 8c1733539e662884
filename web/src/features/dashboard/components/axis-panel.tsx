import { scaleLinear } from '@visx/scale';
import { LinePath } from '@visx/shape';

import type { Across } from '../across';
import { labelValue, shortNumber } from '../numbers';
import { domainOf, stretches } from '../scales';
import type { Series } from '../series';

interface AxisPanelProps {
  series: Series;
  measure: number;
  kind: 'bar' | 'line';
  xs: Across;
  left: number;
  width: number;
  top: number;
  height: number;
  /** Said above the panel where there are several. */
  name: string | null;
  at: number | null;
}

interface Drawing {
  numbers: readonly (number | null)[];
  texts: readonly string[];
  xs: Across;
  y: (n: number) => number;
  at: number | null;
}

function Columns({ numbers, texts, xs, y, at }: Drawing) {
  // A label over each bar where all of them have room.
  const labelled = xs.band >= Math.max(0, ...texts.map((text) => text.length)) * 6 - 2;
  return numbers.map((n, i) => {
    if (n === null) return null;
    const [top, bottom] = n < 0 ? [y(0), y(n)] : [y(n), y(0)];
    return (
      <g key={i} className={at !== null && at !== i ? 'aside' : ''}>
        <rect className="column-mark" x={xs.at(i) - xs.band / 2} y={top} width={xs.band} height={Math.max(n === 0 ? 0 : 1, bottom - top)} rx={Math.min(2, xs.band / 4)} />
        {labelled ? <text className="mark-text" x={xs.at(i)} y={n < 0 ? bottom + 12 : top - 4} textAnchor="middle">{texts[i]}</text> : null}
      </g>
    );
  });
}

function Lines({ numbers, texts, xs, y, at }: Drawing) {
  const parts = stretches(numbers);
  const last = parts.at(-1)?.at(-1);
  const active = at === null ? null : (numbers[at] ?? null);
  const spot = (i: number, n: number) => <circle className="line-spot" cx={xs.at(i)} cy={y(n)} r={3.5} />;
  return (
    <>
      {parts.map((part) => (
        <g key={part[0]}>
          {part.length === 1 && part[0] !== undefined ? spot(part[0], numbers[part[0]] ?? 0) : <LinePath<number> data={part} x={(i) => xs.at(i)} y={(i) => y(numbers[i] ?? 0)} className="line-mark" />}
        </g>
      ))}
      {last === undefined ? null : (
        <>
          {spot(last, numbers[last] ?? 0)}
          {at === null ? <text className="mark-text halo" x={xs.at(last) + 4} y={Math.max(y(numbers[last] ?? 0) - 9, 10)} textAnchor="end">{texts[last]}</text> : null}
        </>
      )}
      {at !== null && active !== null ? <circle className="line-spot active" cx={xs.at(at)} cy={y(active)} r={5} /> : null}
    </>
  );
}

/** One measure: its hairlines, its marks and its columns or line. */
export function AxisPanel({ series, measure, kind, xs, left, width, top, height, name, at }: AxisPanelProps) {
  const column = series.measures[measure];
  const numbers = series.points.map((point) => point.numbers[measure] ?? null);
  const texts = series.points.map((point) => labelValue(point.values[measure], column?.type ?? 'text'));
  const scale = scaleLinear<number>({ domain: domainOf(numbers, column?.fromZero ?? true), range: [top + height, top + 12], nice: 4 });
  // There is no half of a row.
  const whole = numbers.every((n) => n === null || Number.isInteger(n));
  const ticks = scale.ticks(Math.max(2, Math.min(5, Math.floor(height / 36)))).filter((tick) => !whole || Number.isInteger(tick));
  const y = (n: number): number => scale(n);
  const drawing = { numbers, texts, xs, y, at };
  return (
    <g>
      {name === null ? null : <text className="panel-name" x={left} y={top - 4}>{name}</text>}
      {ticks.map((tick) => (
        <g key={tick}>
          <line className={tick === 0 ? 'zero-line' : 'hair-line'} x1={left} x2={left + width} y1={y(tick)} y2={y(tick)} />
          <text className="axis-text" x={left - 6} y={y(tick) + 4} textAnchor="end">{shortNumber(tick)}</text>
        </g>
      ))}
      {at === null || kind === 'bar' ? null : <line className="walk-line" x1={xs.at(at)} x2={xs.at(at)} y1={top} y2={top + height} />}
      {kind === 'bar' ? <Columns {...drawing} /> : <Lines {...drawing} />}
    </g>
  );
}
