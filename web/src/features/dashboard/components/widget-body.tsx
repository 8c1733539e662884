import { ChartNoAxesColumn } from 'lucide-react';
import { lazy, Suspense, useMemo } from 'react';

import { plural } from '@/lib/format';

import type { Colours } from '../colours';
import { shownValue } from '../numbers';
import { type Series, seriesOf } from '../series';
import type { Result, Value, WidgetDefinition } from '../types';
import { NumberBody } from './number-body';
import { WidgetTable } from './widget-table';

const Chart = lazy(() => import('./chart'));

interface WidgetBodyProps {
  drawn: Pick<WidgetDefinition, 'title' | 'kind' | 'group' | 'measures' | 'sort'>;
  result: Result;
  previous?: readonly Value[] | null;
  colours: Colours;
  asTable?: boolean;
}

/** What a chart cannot show: groups beyond the limit, and rows without a place on the axis. */
function Leftovers({ series, more }: { series: Series; more: boolean }) {
  const { outside, from, measures, points } = series;
  if (!more && !outside) return null;
  const told = measures.map(({ name, type }, i) => {
    const value = shownValue(outside?.values[i], type);
    return name === 'rows' ? `${value} ${value === '1' ? 'row' : 'rows'}` : `${name} ${value}`;
  });
  return (
    <p className="widget-note">
      {outside ? `Without a ${from}: ${told.join(', ')}. ` : ''}
      {more ? `The first ${plural(points.length, 'group')}; there are more.` : ''}
    </p>
  );
}

function ChartOrTable({ drawn, result, colours, asTable = false }: WidgetBodyProps) {
  const series = useMemo(() => seriesOf(drawn, result), [drawn, result]);
  if (series.points.length === 0 && !series.outside) {
    return (
      <div className="widget-nothing">
        <ChartNoAxesColumn size={20} aria-hidden />
        <p>There are no rows to draw: none is there, or none passes the filter.</p>
      </div>
    );
  }
  return (
    <>
      {asTable ? (
        <WidgetTable title={drawn.title} series={series} />
      ) : (
        <Suspense fallback={<div className="chart skeleton chart-bone" role="status" aria-label="Loading" />}>
          <Chart drawn={drawn} series={series} colours={colours} />
        </Suspense>
      )}
      <Leftovers series={asTable ? { ...series, outside: null } : series} more={result.more} />
    </>
  );
}

/** A number, a chart, or the chart's table. */
export function WidgetBody(props: WidgetBodyProps) {
  const { drawn, result, previous = null } = props;
  if (drawn.kind === 'number') return <NumberBody title={drawn.title} measures={drawn.measures} result={result} previous={previous} />;
  return <ChartOrTable {...props} />;
}
