import type { Point, MeasureColumn } from '../series';
import { valuesOf } from '../series';

interface ChartTipProps {
  point: Point;
  measures: readonly MeasureColumn[];
  /** Where it points at, in the chart. */
  x: number;
  y: number;
  width: number;
}

/** The exact values of one group, beside the pointer or the keys' place. */
export function ChartTip({ point, measures, x, y, width }: ChartTipProps) {
  const onLeft = x > width / 2;
  return (
    <div className={`chart-tip ${onLeft ? 'on-left' : ''}`} style={{ left: x, top: y }} aria-hidden>
      <b className={point.absent ? 'absent' : ''}>{point.label}</b>
      {valuesOf(point, measures).map(({ name, value }, i) => (
        <span key={i} className="chart-tip-line">
          <span>{name}</span>
          <span className="num">{value}</span>
        </span>
      ))}
    </div>
  );
}

/** Read out when the keys go to a group. */
export function ChartSaying({ point, measures, of }: { point: Point | null; measures: readonly MeasureColumn[]; of: string }) {
  const said = point ? `${point.label}: ${valuesOf(point, measures).map(({ name, value }) => `${name} ${value}`).join(', ')}. ${of}` : '';
  return (
    <div className="visually-hidden" role="status">
      {said}
    </div>
  );
}
