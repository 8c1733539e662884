// The same colour for the same category in every widget of a dashboard: a value's own by its name, the next one free when that is taken.
// A column with more categories than there are colours is drawn in one: a colour that stands for two would tell nothing.
import { readGroup } from './measures';
import type { Result, Value, WidgetDefinition } from './types';

/** `--cat-0` to `--cat-9` in dashboard.css. */
export const COLOURS = 10;

const ACCENT = 'var(--mark)';
const NOTHING = 'var(--mark-nothing)';

function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** Colours for one column's categories. What comes first by its hash keeps its own colour, so that one more category moves few. */
export function assign(values: Iterable<string>): Map<string, number> {
  const hashes = [...new Set(values)].map((value) => ({ value, hash: hash(value) })).sort((a, b) => a.hash - b.hash || (a.value < b.value ? -1 : 1));
  if (hashes.length > COLOURS) return new Map();
  const taken = new Set<number>();
  const colours = new Map<string, number>();
  for (const one of hashes) {
    let colour = one.hash % COLOURS;
    while (taken.has(colour)) colour = (colour + 1) % COLOURS;
    taken.add(colour);
    colours.set(one.value, colour);
  }
  return colours;
}

export type Colours = ReadonlyMap<string, ReadonlyMap<string, number>>;
type Drawn = Pick<WidgetDefinition, 'group'> & Result;

/** Numbers and dates have an order, not a colour. */
const isCategory = ({ group, columns }: Drawn): boolean => group !== null && readGroup(group).bucket === null && (columns[0]?.type === 'text' || columns[0]?.type === 'boolean');

export function coloursOf(all: readonly Drawn[]): Colours {
  const values = new Map<string, Set<string>>();
  for (const drawn of all) {
    if (drawn.group === null || !isCategory(drawn)) continue;
    const known = values.get(drawn.group) ?? new Set();
    values.set(drawn.group, known);
    for (const [value] of drawn.rows) if (value !== null && value !== undefined) known.add(String(value));
  }
  return new Map([...values].map(([column, known]) => [column, assign(known)]));
}

export function colourOf(colours: Colours, group: string | null, value: Value): string {
  if (value === null) return NOTHING;
  const colour = group === null ? undefined : colours.get(group)?.get(String(value));
  return colour === undefined ? ACCENT : `var(--cat-${colour})`;
}
