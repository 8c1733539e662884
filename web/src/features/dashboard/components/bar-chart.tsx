import { scaleLinear } from '@visx/scale';
import { useEffect, useRef, useState } from 'react';

import { type Colours, colourOf } from '../colours';
import { labelValue } from '../numbers';
import { domainOf } from '../scales';
import type { MeasureColumn, Point, Series } from '../series';
import { useWalk } from '../use-walk';
import { ChartSaying, ChartTip } from './chart-tip';

interface BarChartProps {
  series: Series;
  label: string;
  group: string | null;
  colours: Colours;
}

interface Scale {
  /** In percent of the track. */
  at: (n: number) => number;
  zero: number;
}

/** Room for the label beyond the longest bar is kept by the style, so that a bar may take the whole track. */
function scaleOf(points: readonly Point[], measure: number): Scale {
  const domain = domainOf(points.map((point) => point.numbers[measure] ?? null), true);
  const scale = scaleLinear<number>({ domain, range: [0, 100] });
  return { at: (n) => scale(n), zero: scale(0) };
}

function Bar({ point, measure, i, scale, colour }: { point: Point; measure: MeasureColumn; i: number; scale: Scale; colour: string }) {
  const n = point.numbers[i] ?? null;
  const end = scale.at(n ?? 0);
  const [from, to] = end < scale.zero ? [end, scale.zero] : [scale.zero, end];
  return (
    <span className="bars-track">
      <span className="bars-bar" style={{ left: `${from}%`, width: `${to - from}%`, background: colour }} />
      <span className="bars-value num" style={{ left: `${to}%` }}>
        {labelValue(point.values[i], measure.type)}
      </span>
    </span>
  );
}

/** The names take what the longest needs, up to a third. */
function template(points: readonly Point[], measures: number, by: string): string {
  const longest = points.reduce((most, point) => Math.max(most, point.label.length), measures > 1 ? by.length : 3);
  return `min(${measures > 1 ? 24 : 32}%, ${longest * 7 + 6}px) repeat(${measures}, minmax(0, 1fr))`;
}

/** Lying bars with their names and values beside them: one column of bars per measure, each with a scale of its own. */
export function BarChart({ series: { points, measures, by }, label, group, colours }: BarChartProps) {
  const walk = useWalk(points.length);
  const list = useRef<HTMLDivElement>(null);
  const [tip, setTip] = useState<{ x: number; y: number; width: number } | null>(null);
  const scales = measures.map((_, i) => scaleOf(points, i));
  const gridTemplateColumns = template(points, measures.length, by);
  const active = walk.at === null ? null : (points[walk.at] ?? null);

  useEffect(() => {
    const box = list.current;
    const row = walk.at === null ? null : box?.querySelector<HTMLElement>(`[data-row="${walk.at}"]`);
    if (!box || !row) return;
    if (walk.byKeys) row.scrollIntoView({ block: 'nearest' });
    const [outer, inner] = [box.getBoundingClientRect(), row.getBoundingClientRect()];
    setTip({ x: outer.width * 0.55, y: inner.bottom - outer.top, width: outer.width });
  }, [walk.at, walk.byKeys]);

  return (
    <div className="chart">
      {measures.length > 1 ? (
        <div className="bars-row bars-head" style={{ gridTemplateColumns }} aria-hidden>
          <span className="cut">{by}</span>
          {measures.map(({ name }, i) => <span key={i} className="cut" title={name}>{name}</span>)}
        </div>
      ) : null}
      <div
        ref={list}
        className="bars"
        tabIndex={0}
        role="application"
        aria-roledescription="bar chart"
        aria-label={`${label}: ${points.length} bars. Arrow keys read their values.`}
        onKeyDown={walk.onKeyDown}
        onBlur={walk.onBlur}
        onPointerLeave={() => walk.point(null)}
        onScroll={() => walk.byKeys || walk.point(null)}
      >
        {points.map((point, row) => (
          <div
            key={point.key}
            data-row={row}
            className={`bars-row ${active !== null && active !== point ? 'aside' : ''}`}
            style={{ gridTemplateColumns }}
            onPointerEnter={() => walk.point(row)}
          >
            <span className={`bars-name cut ${point.absent ? 'absent' : ''}`}>{point.label}</span>
            {measures.map((measure, i) => (
              <Bar key={i} point={point} measure={measure} i={i} scale={scales[i] ?? { at: () => 0, zero: 0 }} colour={colourOf(colours, group, point.group)} />
            ))}
          </div>
        ))}
      </div>
      {active && tip ? <ChartTip point={active} measures={measures} {...tip} /> : null}
      <ChartSaying point={walk.byKeys ? active : null} measures={measures} of={`${(walk.at ?? 0) + 1} of ${points.length}`} />
    </div>
  );
}
