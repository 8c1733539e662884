import { type PointerEvent } from 'react';

import { bucketLabel } from '../buckets';
import { exactValue } from '../numbers';
import { strideOf } from '../scales';
import type { Point, Series } from '../series';
import { useSize } from '../use-size';
import { useWalk } from '../use-walk';
import { type Across, across } from '../across';
import { AxisPanel } from './axis-panel';
import { ChartSaying, ChartTip } from './chart-tip';

const LEFT = 46;
const RIGHT = 14;
const FOOT = 22;
const HEAD = 18;

interface AxisChartProps {
  series: Series;
  kind: 'bar' | 'line';
  label: string;
}

function markText(point: Point, { bucket, groupType }: Series): string {
  return bucket === null ? exactValue(point.group, groupType).slice(0, 16) : bucketLabel(String(point.group), bucket);
}

/** The points that are marked: as many as have room for their names. */
function pointMarks(series: Series, xs: Across, width: number): { x: number; text: string }[] {
  const texts = series.points.map((point) => markText(point, series));
  const widest = Math.max(1, ...texts.map((text) => text.length)) * 6.4 + 14;
  const stride = strideOf(texts.length, width, widest);
  return texts.flatMap((text, i) => (i % stride === 0 ? [{ x: xs.at(i), text }] : []));
}

function Marks({ series, xs, y, width }: { series: Series; xs: Across; y: number; width: number }) {
  const end = LEFT + width + RIGHT;
  return (xs.marks ?? pointMarks(series, xs, width)).map(({ x, text }) => {
    const overEnd = x + text.length * 3.2 > end;
    return (
      <text key={x} className="axis-text" x={overEnd ? end : x} y={y} textAnchor={overEnd ? 'end' : 'middle'}>
        {text}
      </text>
    );
  });
}

/** Columns or lines along a calendar or a number axis: one panel per measure, one above the other, with a scale each. */
export function AxisChart({ series, kind, label }: AxisChartProps) {
  const [ref, size] = useSize();
  const { points, measures } = series;
  const walk = useWalk(points.length);
  const active = walk.at === null ? null : (points[walk.at] ?? null);
  const width = Math.max(0, (size?.width ?? 0) - LEFT - RIGHT);
  const height = size?.height ?? 0;
  const xs = across(series, kind, LEFT, width);
  const panel = Math.max(0, (height - FOOT) / Math.max(1, measures.length));
  const named = measures.length > 1 ? HEAD : 8;

  const onPointer = (event: PointerEvent<SVGSVGElement>): void => {
    walk.point(xs.nearest(event.clientX - event.currentTarget.getBoundingClientRect().left));
  };

  return (
    <div className="chart">
      <div
        ref={ref}
        className="plot"
        tabIndex={0}
        role="application"
        aria-roledescription={kind === 'bar' ? 'bar chart' : 'line chart'}
        aria-label={`${label}: ${points.length} points. Arrow keys read their values.`}
        onKeyDown={walk.onKeyDown}
        onBlur={walk.onBlur}
      >
        {size && width > 0 && height > FOOT ? (
          <svg width={size.width} height={height} onPointerMove={onPointer} onPointerDown={onPointer} onPointerLeave={() => walk.point(null)} aria-hidden>
            {measures.map((measure, i) => (
              <AxisPanel key={i} series={series} measure={i} kind={kind} xs={xs} left={LEFT} width={width} top={i * panel + named} height={panel - named - 4} name={measures.length > 1 ? measure.name : null} at={walk.at} />
            ))}
            <Marks series={series} xs={xs} y={height - 6} width={width} />
          </svg>
        ) : null}
      </div>
      {active && walk.at !== null ? <ChartTip point={active} measures={measures} x={xs.at(walk.at)} y={8} width={size?.width ?? 0} /> : null}
      <ChartSaying point={walk.byKeys ? active : null} measures={measures} of={`${(walk.at ?? 0) + 1} of ${points.length}`} />
    </div>
  );
}
