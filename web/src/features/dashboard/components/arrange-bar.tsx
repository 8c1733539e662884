import { ArrowDown, ArrowLeft, ArrowRight, ArrowUp, ChevronsDownUp, ChevronsLeftRight, ChevronsRightLeft, ChevronsUpDown } from 'lucide-react';
import { type KeyboardEvent, useEffect, useRef } from 'react';

import { Button, IconButton } from '@/components/button';

import { type Direction, type Item, move, resize } from '../layout';

interface ArrangeBarProps<T extends Item> {
  title: string;
  id: string;
  layout: readonly T[];
  onLayout: (layout: T[]) => void;
  onDone: () => void;
  onCancel: () => void;
}

const KEYS: Partial<Record<string, Direction>> = { ArrowLeft: 'left', ArrowRight: 'right', ArrowUp: 'up', ArrowDown: 'down' };
const GROWTH: Record<Direction, { w?: number; h?: number }> = { left: { w: -1 }, right: { w: 1 }, up: { h: -1 }, down: { h: 1 } };

/** Moves and resizes one card: by its buttons, or by the arrow keys, with Shift for the size. */
export function ArrangeBar<T extends Item>({ title, id, layout, onLayout, onDone, onCancel }: ArrangeBarProps<T>) {
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const card = bar.current?.closest('li');
    bar.current?.focus();
    // Back to the menu that it was opened from.
    return () => card?.querySelector<HTMLElement>('[aria-haspopup]')?.focus();
  }, []);
  useEffect(() => {
    bar.current?.scrollIntoView({ block: 'nearest' });
  }, [layout]);
  const go = (direction: Direction) => onLayout(move(layout, id, direction));
  const grow = (direction: Direction) => onLayout(resize(layout, id, GROWTH[direction]));
  const onKeyDown = (event: KeyboardEvent): void => {
    const direction = KEYS[event.key];
    if (direction) {
      event.preventDefault();
      if (event.shiftKey) grow(direction);
      else go(direction);
    } else if (event.key === 'Escape') {
      onCancel();
    } else if (event.key === 'Enter' && event.target === bar.current) {
      onDone();
    }
  };
  return (
    <div ref={bar} className="arrange-bar" role="group" aria-label={`Move or resize ${title}: arrow keys move, Shift and arrow keys resize, Enter keeps, Escape puts back`} tabIndex={-1} onKeyDown={onKeyDown}>
      <span className="arrange-set">
        <IconButton tiny label="Move left" keys="←" onPress={() => go('left')}><ArrowLeft size={14} aria-hidden /></IconButton>
        <IconButton tiny label="Move right" keys="→" onPress={() => go('right')}><ArrowRight size={14} aria-hidden /></IconButton>
        <IconButton tiny label="Move up" keys="↑" onPress={() => go('up')}><ArrowUp size={14} aria-hidden /></IconButton>
        <IconButton tiny label="Move down" keys="↓" onPress={() => go('down')}><ArrowDown size={14} aria-hidden /></IconButton>
      </span>
      <span className="arrange-set">
        <IconButton tiny label="Narrower" keys="Shift ←" onPress={() => grow('left')}><ChevronsRightLeft size={14} aria-hidden /></IconButton>
        <IconButton tiny label="Wider" keys="Shift →" onPress={() => grow('right')}><ChevronsLeftRight size={14} aria-hidden /></IconButton>
        <IconButton tiny label="Shorter" keys="Shift ↑" onPress={() => grow('up')}><ChevronsDownUp size={14} aria-hidden /></IconButton>
        <IconButton tiny label="Taller" keys="Shift ↓" onPress={() => grow('down')}><ChevronsUpDown size={14} aria-hidden /></IconButton>
      </span>
      <span className="arrange-set">
        <Button size="tiny" look="quiet" onPress={onCancel}>Put back</Button>
        <Button size="tiny" onPress={onDone}>Done</Button>
      </span>
    </div>
  );
}
