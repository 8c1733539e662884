// Usual spellings of null, and what each is called.
import type { SelectOption } from '@/components/select';

export const NULLS: readonly SelectOption[] = [
  { id: '', label: 'Empty cell' },
  ...['NA', 'N/A', 'NULL', 'null', '-'].map((token) => ({ id: token, label: token })),
];

export const nullName = (token: string | null | undefined): string => (token === null || token === undefined ? 'no null' : token === '' ? 'empty cell' : `“${token}”`);
