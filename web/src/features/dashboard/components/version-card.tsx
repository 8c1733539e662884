import type { UseQueryResult } from '@tanstack/react-query';

import { ProblemNotice } from '@/components/states';
import { dayTime, exactTime } from '@/lib/format';

import type { Colours } from '../colours';
import type { Aggregate, Widget } from '../types';
import { WidgetBody } from './widget-body';
import { CardFrame } from './widget-card';

interface VersionCardProps {
  widget: Widget;
  version: number;
  aggregate: UseQueryResult<Aggregate>;
  colours: Colours;
}

/** A widget's question asked of an old version. */
export function VersionCard({ widget, version, aggregate, colours }: VersionCardProps) {
  const age = (
    <span title={aggregate.data ? exactTime(aggregate.data.published_at) : undefined}>
      v{version}
      {aggregate.data ? ` as of ${dayTime(aggregate.data.published_at)}` : ''}
    </span>
  );
  return (
    <CardFrame widget={widget} position={widget.position} actions={null} age={age}>
      {(asTable) => (
        <>
          {aggregate.isPending ? <div className="skeleton chart-bone" role="status" aria-label="Loading" /> : null}
          {aggregate.isError ? <ProblemNotice error={aggregate.error} /> : null}
          {aggregate.data ? <WidgetBody drawn={widget} result={aggregate.data} colours={colours} asTable={asTable} /> : null}
        </>
      )}
    </CardFrame>
  );
}
