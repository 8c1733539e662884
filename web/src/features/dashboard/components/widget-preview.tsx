import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

import { ProblemNotice } from '@/components/states';

import { aggregateQuery } from '../api';
import { coloursOf } from '../colours';
import type { Idea } from '../measures';
import type { Widget } from '../types';
import { WidgetBody } from './widget-body';

/** While somebody types, the last settled text is asked for. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), 300);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

interface WidgetPreviewProps {
  dataset: string;
  version: number;
  idea: Idea | null;
  widgets: readonly Widget[];
}

/** What the widget will show, computed at the head. */
export function WidgetPreview({ dataset, version, idea, widgets }: WidgetPreviewProps) {
  const settled = JSON.parse(useSettled(JSON.stringify(idea))) as Idea | null;
  if (idea === null || settled === null) return <p className="small faint">Choose what to group by to see it here.</p>;
  return <Preview dataset={dataset} version={version} idea={settled} title={idea.title} widgets={widgets} />;
}

function Preview({ dataset, version, idea, title, widgets }: { dataset: string; version: number; idea: Idea; title: string; widgets: readonly Widget[] }) {
  const aggregate = useQuery(aggregateQuery(dataset, idea, version));
  // While another question is on its way the last answer stays, but only where it has the same shape.
  const fits = aggregate.data?.columns.length === idea.measures.length + (idea.group === null ? 0 : 1);
  return (
    <section className="preview card" aria-label="Preview" aria-busy={aggregate.isFetching}>
      <h3 className="widget-title">{title}</h3>
      <div className={`widget-body ${aggregate.isPlaceholderData ? 'aside' : ''}`}>
        {aggregate.isError ? <ProblemNotice error={aggregate.error} /> : null}
        {aggregate.data && fits ? (
          <WidgetBody drawn={idea} result={aggregate.data} colours={coloursOf([...widgets, { ...aggregate.data, group: idea.group }])} />
        ) : null}
        {aggregate.isError || (aggregate.data && fits) ? null : <div className="skeleton chart-bone" role="status" aria-label="Loading" />}
      </div>
      <p className="widget-foot">{aggregate.data ? `v${aggregate.data.version}, as it would be saved` : ''}</p>
    </section>
  );
}
