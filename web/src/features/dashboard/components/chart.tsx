// The one module that brings the chart library: loaded when a chart is first shown.
import type { Colours } from '../colours';
import { isAlongAxis, type Series } from '../series';
import type { WidgetDefinition } from '../types';
import { AxisChart } from './axis-chart';
import { BarChart } from './bar-chart';

export interface ChartProps {
  drawn: Pick<WidgetDefinition, 'title' | 'kind' | 'group'>;
  series: Series;
  colours: Colours;
}

export default function Chart({ drawn, series, colours }: ChartProps) {
  if (drawn.kind !== 'number' && isAlongAxis(drawn.kind, series.bucket)) return <AxisChart series={series} kind={drawn.kind} label={drawn.title} />;
  return <BarChart series={series} label={drawn.title} group={drawn.group} colours={colours} />;
}
