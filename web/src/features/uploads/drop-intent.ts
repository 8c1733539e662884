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

/** Opens the system's file chooser, then the upload dialog. */
export function chooseFiles(datasetId: string | null = null): void {
  pickFiles((files) => setIntent({ files, datasetId }), { multiple: true, accept: '.csv,.tsv,.txt,text/csv,text/tab-separated-values,text/plain' });
}
