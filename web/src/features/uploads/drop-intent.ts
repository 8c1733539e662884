// Which files wait for the upload dialog: dropped on any page, or chosen by a button anywhere.
import { useSyncExternalStore } from 'react';

import { pickFiles } from './pick-files';

export interface Intent {
  files: File[];
  /** Preselected: the dataset whose page the files were dropped on. */
  datasetId: string | null;
}

let intent: Intent | null = null;
const listeners = new Set<() => void>();

export function setIntent(next: Intent | null): void {
  intent = next;
  for (const listener of listeners) listener();
}

export function useIntent(): Intent | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => intent,
  );
}

/** What can be read; the content decides, whatever the name says. */
const ACCEPTED = ['csv', 'tsv', 'txt', 'xlsx', 'xlsm', 'xlsb', 'xls', 'ods', 'json', 'ndjson', 'jsonl', 'parquet', 'gz', 'zst', 'zip'];

/** "flights 2013.csv.gz" → "flights 2013" */
export const nameOf = (file: string): string => file.replace(new RegExp(`(\\.(${ACCEPTED.join('|')})){1,2}$`, 'i'), '').slice(0, 200);

/** Opens the system's file chooser, then the upload dialog. */
export function chooseFiles(datasetId: string | null = null): void {
  pickFiles((files) => setIntent({ files, datasetId }), { multiple: true, accept: ACCEPTED.map((extension) => `.${extension}`).join() });
}
