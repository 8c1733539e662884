// Cards on a grid of 12 columns: none over another, none hanging in the air, moved and resized one step at a time.
import type { Kind, Position } from './types';

export const GRID_COLUMNS = 12;
const TALLEST = 12;
const NARROWEST = 2;

export interface Item {
  id: string;
  position: Position;
}

const across = (a: Position, b: Position): boolean => a.x < b.x + b.w && b.x < a.x + a.w;
const collide = (a: Position, b: Position): boolean => across(a, b) && a.y < b.y + b.h && b.y < a.y + a.h;

const within = (low: number, value: number, high: number): number => Math.max(low, Math.min(high, value));

function clamped({ x, y, w, h }: Position): Position {
  const width = within(1, w, GRID_COLUMNS);
  return { x: within(0, x, GRID_COLUMNS - width), y: Math.max(0, y), w: width, h: within(1, h, TALLEST) };
}

/** Top to bottom, left to right: also the order of the page for a phone and for a reader. `first` wins its place over others. */
function ordered<T extends Item>(items: readonly T[], first?: string): T[] {
  const rank = (item: T): number => (item.id === first ? 0 : 1);
  return [...items].sort((a, b) => a.position.y - b.position.y || rank(a) - rank(b) || a.position.x - b.position.x);
}

/** Every card down until it is free, then up as far as it goes. */
export function pack<T extends Item>(items: readonly T[], first?: string): T[] {
  const placed: T[] = [];
  const free = (position: Position): boolean => !placed.some((other) => collide(other.position, position));
  for (const item of ordered(items, first)) {
    let position = clamped(item.position);
    while (!free(position)) position = { ...position, y: position.y + 1 };
    while (position.y > 0 && free({ ...position, y: position.y - 1 })) position = { ...position, y: position.y - 1 };
    placed.push({ ...item, position });
  }
  return ordered(placed);
}

const placing = <T extends Item>(items: readonly T[], id: string, change: Partial<Position>): T[] =>
  items.map((item) => (item.id === id ? { ...item, position: { ...item.position, ...change } } : item));

export type Direction = 'left' | 'right' | 'up' | 'down';

function moveUp<T extends Item>(items: readonly T[], { id, position }: T): T[] {
  const above = items.filter((other) => other.id !== id && other.position.y < position.y && across(other.position, position));
  const nearest = above.reduce<T | null>((best, other) => (best === null || other.position.y + other.position.h > best.position.y + best.position.h ? other : best), null);
  return nearest === null ? [...items] : pack(placing(items, id, { y: nearest.position.y }), id);
}

/** Sideways past the neighbour in the same rows, else by one column; up and down past the card there. */
export function move<T extends Item>(items: readonly T[], id: string, direction: Direction): T[] {
  const item = items.find((other) => other.id === id);
  if (!item) return [...items];
  const { position } = item;
  const others = items.filter((other) => other.id !== id);
  if (direction === 'up') return moveUp(items, item);
  if (direction === 'down') {
    const below = others.filter((other) => other.position.y >= position.y + position.h && across(other.position, position));
    const [nearest] = ordered(below);
    return nearest ? moveUp(items, nearest) : [...items];
  }
  const beside = others.filter((other) => other.position.y === position.y && other.position.h === position.h);
  const neighbour = beside.find((other) => (direction === 'left' ? other.position.x + other.position.w === position.x : position.x + position.w === other.position.x));
  if (neighbour) {
    const [left, right] = direction === 'left' ? [item, neighbour] : [neighbour, item];
    const start = Math.min(position.x, neighbour.position.x);
    return pack(placing(placing(items, left.id, { x: start }), right.id, { x: start + left.position.w }), id);
  }
  const x = within(0, position.x + (direction === 'left' ? -1 : 1), GRID_COLUMNS - position.w);
  return pack(placing(items, id, { x }), id);
}

/** Wider takes room on the right, on the left when there is none. */
export function resize<T extends Item>(items: readonly T[], id: string, by: { w?: number; h?: number }): T[] {
  const item = items.find((other) => other.id === id);
  if (!item) return [...items];
  const w = within(NARROWEST, item.position.w + (by.w ?? 0), GRID_COLUMNS);
  const h = within(1, item.position.h + (by.h ?? 0), TALLEST);
  return pack(placing(items, id, { w, h, x: Math.min(item.position.x, GRID_COLUMNS - w) }), id);
}

/** How large a new card is: a number takes a line more for each measure beyond the first. */
export const sizeFor = (kind: Kind, measures: number): { w: number; h: number } => (kind === 'number' ? { w: 3, h: 2 + Math.ceil((measures - 1) / 3) } : { w: 6, h: 4 });

/** The first place where a new card of this size fits, beside or below the others. */
export function placeFor(items: readonly Item[], { w, h }: { w: number; h: number }): Position {
  const free = (position: Position): boolean => !items.some((item) => collide(item.position, position));
  const bottom = Math.max(0, ...items.map(({ position }) => position.y + position.h));
  for (let y = 0; y < bottom; y += 1) {
    for (let x = 0; x + w <= GRID_COLUMNS; x += 1) if (free({ x, y, w, h })) return { x, y, w, h };
  }
  return { x: 0, y: bottom, w, h };
}

const same = (a: Position, b: Position): boolean => a.x === b.x && a.y === b.y && a.w === b.w && a.h === b.h;

/** The cards whose place is not what it was. */
export const moved = <T extends Item>(before: readonly T[], after: readonly T[]): T[] =>
  after.filter((item) => !before.some((other) => other.id === item.id && same(other.position, item.position)));
