// The ways into a dataset that exists, and what each does to its rows.
import type { Dataset, Mode } from '@/lib/api/types';
import { plural } from '@/lib/format';

export type Into = Exclude<Mode, 'new'>;

export const INTO: readonly { id: Into; label: string }[] = [
  { id: 'append', label: 'Append' },
  { id: 'upsert', label: 'Update and add' },
  { id: 'sync', label: 'Synchronise' },
  { id: 'replace', label: 'Replace' },
];

export const EFFECT: Record<Into, (dataset: Dataset) => string> = {
  append: (dataset) => `Adds the file's rows after the ${plural(dataset.rows, 'row')} of ${dataset.name}.`,
  upsert: (dataset) => `Rows with a known key are updated where they differ, others are added. Rows of ${dataset.name} that the file lacks stay.`,
  sync: (dataset) => `As Update and add; rows of ${dataset.name} that the file lacks are deleted. They stay in History.`,
  replace: (dataset) => `A new version holds the file's rows only. The ${plural(dataset.rows, 'row')} of v${dataset.version} stay in History.`,
};

export const needsKey = (mode: Mode): boolean => mode === 'upsert' || mode === 'sync';
