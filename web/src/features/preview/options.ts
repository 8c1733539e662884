// What somebody may choose of an import before it is confirmed. Pure: each gives the options to send.
import type { ColumnType, Options } from '@/lib/api/types';

/** How the file's records are found. */
export type Reading = Pick<Options, (typeof READING)[number]>;

const READING = ['encoding', 'delimiter', 'quote', 'header_rows', 'preamble', 'footer', 'sheet', 'member'] as const;

export const isReadingOption = (option: string): boolean => READING.some((name) => name === option);

/** Of these the names of the columns depend: what was said of columns by their names would name what is not there any more. */
const NAMES_DEPEND = READING.filter((name) => name !== 'footer');

export function withReading(options: Options, change: Reading): Options {
  const next: Options = { ...options, ...change };
  // One of two ways to say the same; both at once may contradict each other.
  if (change.header_rows !== undefined) next.header = null;
  if (change.member !== undefined) next.sheet = null;
  return NAMES_DEPEND.some((name) => name in change) ? { ...next, types: {}, nulls: {}, mapping: {} } : next;
}

/** What is said of columns by their names. */
export type Said = Required<Pick<Options, 'types' | 'nulls' | 'mapping'>>;

const saidOf = ({ types = {}, nulls = {}, mapping = {} }: Partial<Options>, is: (name: string, of: keyof Said) => boolean): Said => {
  const only = <V>(entries: Record<string, V>, of: keyof Said): Record<string, V> => Object.fromEntries(Object.entries(entries).filter(([name]) => is(name, of)));
  return { types: only(types, 'types'), nulls: only(nulls, 'nulls'), mapping: only(mapping, 'mapping') };
};

/** The columns that something is said of. */
export const namesOf = ({ types, nulls, mapping }: Said): string[] => [...new Set([types, nulls, mapping].flatMap((entries) => Object.keys(entries)))];

/** What was said before and is not said any more, with what had got lost until then. */
export const lostOf = (lost: Said | null, before: Options, after: Options): Said => {
  const said = { types: { ...lost?.types, ...before.types }, nulls: { ...lost?.nulls, ...before.nulls }, mapping: { ...lost?.mapping, ...before.mapping } };
  return saidOf(said, (name, of) => !Object.hasOwn(after[of] ?? {}, name));
};

/** Of these columns alone. */
export const onlyOf = (said: Said, names: readonly string[]): Said => saidOf(said, (name) => names.includes(name));

/** Says it again, where nothing else was said since. */
export const withSaid = (options: Options, { types, nulls, mapping }: Said): Options => ({
  ...options, types: { ...types, ...options.types }, nulls: { ...nulls, ...options.nulls }, mapping: { ...mapping, ...options.mapping },
});

function withEntry<V>(entries: Record<string, V> | undefined, name: string, value: V | undefined): Record<string, V> {
  const rest = Object.entries(entries ?? {}).filter(([other]) => other !== name);
  return Object.fromEntries(value === undefined ? rest : [...rest, [name, value]]);
}

/** `undefined` leaves it to the file again. */
export const withType = (options: Options, column: string, type: ColumnType | undefined): Options => ({ ...options, types: withEntry(options.types, column, type) });

export const withNull = (options: Options, column: string, token: string | undefined): Options => ({ ...options, nulls: withEntry(options.nulls, column, token) });

/** `null` leaves the column out. */
export function withMapping(options: Options, column: string, target: string | null | undefined): Options {
  const mapping = withEntry(options.mapping, column, target);
  if (target !== null) return { ...options, mapping };
  // Nothing is said any more of a column that is left out.
  return { ...options, mapping, types: withEntry(options.types, column, undefined), nulls: withEntry(options.nulls, column, undefined) };
}
