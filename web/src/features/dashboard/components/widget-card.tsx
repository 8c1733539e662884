import { ChartColumn, Copy, EllipsisVertical, Move, PenLine, RefreshCw, Table2, Trash2, TriangleAlert } from 'lucide-react';
import { type CSSProperties, type ReactNode, useId, useState } from 'react';
import { ToggleButton, Tooltip, TooltipTrigger } from 'react-aria-components';

import { Button, IconButton } from '@/components/button';
import { MenuButton, MenuItem } from '@/components/menu';
import { Time } from '@/components/time';

import type { Colours } from '../colours';
import type { Position, Widget } from '../types';
import { WidgetBody } from './widget-body';

export interface CardActions {
  onEdit: () => void;
  onDuplicate: () => void;
  onArrange: () => void;
  onDelete: () => void;
}

interface CardFrameProps {
  widget: Pick<Widget, 'id' | 'title' | 'kind'>;
  position: Position;
  /** Null where nothing can be changed: for viewers, and in an old version. */
  actions: CardActions | null;
  /** In place of the menu while the card is being moved. */
  arranging?: ReactNode;
  age: ReactNode;
  children: (asTable: boolean) => ReactNode;
}

function CardMenu({ title, actions }: { title: string; actions: CardActions }) {
  const run: Record<string, () => void> = { edit: actions.onEdit, duplicate: actions.onDuplicate, arrange: actions.onArrange, delete: actions.onDelete };
  return (
    <MenuButton
      label={`Of ${title}`}
      onAction={(key) => run[String(key)]?.()}
      trigger={<IconButton tiny label={`Actions of ${title}`}><EllipsisVertical size={15} aria-hidden /></IconButton>}
    >
      <MenuItem id="edit" textValue="Edit"><PenLine size={14} aria-hidden /> Edit</MenuItem>
      <MenuItem id="duplicate" textValue="Duplicate"><Copy size={14} aria-hidden /> Duplicate</MenuItem>
      <MenuItem id="arrange" textValue="Move or resize"><Move size={14} aria-hidden /> Move or resize</MenuItem>
      <MenuItem id="delete" textValue="Delete" bad><Trash2 size={14} aria-hidden /> Delete</MenuItem>
    </MenuButton>
  );
}

function TableToggle({ title, isOn, onChange }: { title: string; isOn: boolean; onChange: (on: boolean) => void }) {
  const label = isOn ? 'Show as chart' : 'Show as table';
  return (
    <TooltipTrigger delay={500}>
      <ToggleButton className="btn quiet icon tiny" isSelected={isOn} onChange={onChange} aria-label={`${label}: ${title}`}>
        {isOn ? <ChartColumn size={15} aria-hidden /> : <Table2 size={15} aria-hidden />}
      </ToggleButton>
      <Tooltip className="tooltip" offset={6}>{label}</Tooltip>
    </TooltipTrigger>
  );
}

/** The card of a widget; what it holds is told whether to be a table. */
export function CardFrame({ widget, position: { x, y, w, h }, actions, arranging, age, children }: CardFrameProps) {
  const [asTable, setAsTable] = useState(false);
  const heading = useId();
  const place: CSSProperties & Record<`--${string}`, number> = { '--x': x + 1, '--y': y + 1, '--w': w, '--h': h };
  return (
    <li className={`widget card ${arranging ? 'arranging' : ''}`} data-widget={widget.id} style={place} aria-labelledby={heading}>
      <div className="widget-head">
        <h2 id={heading} className="widget-title" title={widget.title}>{widget.title}</h2>
        {widget.kind === 'number' ? null : <TableToggle title={widget.title} isOn={asTable} onChange={setAsTable} />}
        {actions ? <CardMenu title={widget.title} actions={actions} /> : null}
      </div>
      {arranging}
      <div className="widget-body">{children(asTable)}</div>
      <div className="widget-foot">{age}</div>
    </li>
  );
}

function Problem({ problem, onEdit }: { problem: NonNullable<Widget['problem']>; onEdit: (() => void) | null }) {
  return (
    <div className="widget-problem" role="note">
      <TriangleAlert size={16} aria-hidden />
      <div>
        <b>{problem.code === 'validation' ? 'This widget needs mending' : problem.title}</b>
        <p>{problem.detail}</p>
        {onEdit ? <Button size="tiny" onPress={onEdit}>Edit the widget</Button> : <p className="small">An editor of the dataset can mend it.</p>}
      </div>
    </div>
  );
}

function Age({ widget, head }: { widget: Widget; head: number }) {
  const { version, refreshed_at: refreshed, problem } = widget;
  return (
    <>
      {version === null || refreshed === null ? null : <span>v{version} · <Time iso={refreshed} /></span>}
      {problem === null && (version ?? 0) < head ? <span className="widget-refreshing"><RefreshCw size={11} aria-hidden /> refreshing to v{head}</span> : null}
    </>
  );
}

interface WidgetCardProps {
  widget: Widget;
  head: number;
  colours: Colours;
  actions: CardActions | null;
  arranging?: ReactNode;
}

/** A widget at the head, or as near to it as it has come. */
export function WidgetCard({ widget, head, colours, actions, arranging }: WidgetCardProps) {
  return (
    <CardFrame widget={widget} position={widget.position} actions={actions} arranging={arranging} age={<Age widget={widget} head={head} />}>
      {(asTable) => (
        <>
          {widget.problem ? <Problem problem={widget.problem} onEdit={actions?.onEdit ?? null} /> : null}
          {widget.version === null && !widget.problem ? <div className="skeleton chart-bone" role="status" aria-label="Loading" /> : null}
          {widget.version !== null && !widget.problem ? <WidgetBody drawn={widget} result={widget} previous={widget.previous} colours={colours} asTable={asTable} /> : null}
        </>
      )}
    </CardFrame>
  );
}
