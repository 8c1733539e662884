import { ChartColumn, ChartLine, Hash, LayoutDashboard, Plus } from 'lucide-react';

import { Button } from '@/components/button';
import { Empty } from '@/components/states';
import type { Column } from '@/lib/api/types';

import { type Idea, suggestions } from '../measures';
import type { Kind } from '../types';

const ICONS: Record<Kind, typeof Hash> = { number: Hash, bar: ChartColumn, line: ChartLine };

interface FirstWidgetsProps {
  columns: readonly Column[];
  canEdit: boolean;
  isBusy: boolean;
  onAdd: () => void;
  onIdea: (idea: Idea) => void;
}

/** What a dashboard without widgets says. */
export function FirstWidgets({ columns, canEdit, isBusy, onAdd, onIdea }: FirstWidgetsProps) {
  if (!canEdit) {
    return (
      <Empty icon={<LayoutDashboard size={28} aria-hidden />} title="No widgets yet">
        A dashboard shows numbers and charts of this dataset, which follow every new version. Its editors can add them.
      </Empty>
    );
  }
  return (
    <div className="first-widgets">
      <Empty
        icon={<LayoutDashboard size={28} aria-hidden />}
        title="No widgets yet"
        actions={<Button look="primary" onPress={onAdd}><Plus size={15} aria-hidden /> Add a widget</Button>}
      >
        A dashboard shows numbers and charts of this dataset, for everybody who has it. They follow every new version by themselves.
      </Empty>
      <h3 id="first-ideas">Or begin with one of these</h3>
      <ul className="first-ideas" aria-labelledby="first-ideas">
        {suggestions(columns).map((idea) => {
          const Icon = ICONS[idea.kind];
          return (
            <li key={idea.title}>
              <Button isDisabled={isBusy} onPress={() => onIdea(idea)}>
                <Icon size={16} aria-hidden /> <span className="cut">{idea.title}</span>
              </Button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
