import { useState } from 'react';

import { Segmented } from '@/components/segmented';
import { KeyPicker, usualKey } from '@/features/uploads/components/key-picker';
import { EFFECT, INTO, type Into, needsKey } from '@/features/uploads/into';
import type { ChangeUpload, Dataset, Problem, Upload } from '@/lib/api/types';
import { findColumn } from '@/lib/cells';

import { placeOf } from '../words';
import { ProblemAt } from './problem-at';

interface DestinationProps {
  upload: Upload;
  dataset: Dataset;
  problem: Problem | null;
  isLocked: boolean;
  onChange: (change: ChangeUpload) => void;
}

/** What happens to the rows that are there, and by which columns a row is found again. */
export function Destination({ upload, dataset, problem, isLocked, onChange }: DestinationProps) {
  // A mode that needs a key waits for it here.
  const [keyless, setKeyless] = useState<Into | null>(null);
  const place = placeOf(problem);
  const mode = keyless ?? (upload.mode === 'new' ? 'append' : upload.mode);
  const sent = upload.key.flatMap((name) => findColumn(dataset.columns, name)?.id ?? []);
  const key = keyless ? [] : sent;
  const choose = (next: Into): void => {
    const chosen = needsKey(next) ? (sent.length > 0 ? sent : usualKey(dataset)) : [];
    const waits = needsKey(next) && chosen.length === 0;
    setKeyless(waits ? next : null);
    if (!waits) onChange({ mode: next, key: chosen });
  };
  const chooseKey = (next: string[]): void => {
    setKeyless(next.length === 0 && mode !== 'append' ? mode : null);
    if (next.length > 0) onChange({ mode, key: next });
  };
  return (
    <section className="card preview-panel" aria-labelledby="destination">
      <h2 id="destination">Where the rows go</h2>
      <fieldset className="bare" disabled={isLocked}>
        <Segmented label="What happens to the rows" options={INTO.map((into) => ({ ...into, isDisabled: isLocked }))} value={mode} onChange={choose} />
      </fieldset>
      <p className="small faint">{EFFECT[mode](dataset)}</p>
      {place?.option === 'mode' ? <ProblemAt problem={problem} /> : null}
      {needsKey(mode) ? <KeyPicker dataset={dataset} value={key} onChange={chooseKey} /> : null}
      {keyless ? <p className="small" role="status">Choose the key; then the file is compared with the dataset.</p> : null}
      {place?.option === 'key' ? <ProblemAt problem={problem} /> : null}
    </section>
  );
}
