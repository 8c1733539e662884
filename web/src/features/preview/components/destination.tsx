import { Segmented } from '@/components/segmented';
import { KeyPicker, usualKey } from '@/features/uploads/components/key-picker';
import { EFFECT, INTO, type Into, needsKey } from '@/features/uploads/into';
import type { Dataset, Problem, Upload } from '@/lib/api/types';
import { findColumn } from '@/lib/cells';

import type { Way } from '../use-preview';
import { placeOf } from '../words';
import { ProblemAt } from './problem-at';

interface DestinationProps {
  upload: Upload;
  dataset: Dataset;
  problem: Problem | null;
  /** Chosen here, and not the upload's yet. */
  way: Way | null;
  isKeyless: boolean;
  isLocked: boolean;
  /** `isSame`: as the upload has it already. */
  onChoose: (way: Way, isSame: boolean) => void;
}

/** What happens to the rows that are there, and by which columns a row is found again. */
export function Destination({ upload, dataset, problem, way, isKeyless, isLocked, onChoose }: DestinationProps) {
  const place = placeOf(problem);
  const has: Way = { mode: upload.mode === 'new' ? 'append' : upload.mode, key: upload.key.flatMap((name) => findColumn(dataset.columns, name)?.id ?? []) };
  const { mode, key } = way ?? has;
  const set = (next: Way): void => onChoose(next, next.mode === has.mode && next.key.length === has.key.length && next.key.every((column) => has.key.includes(column)));
  const choose = (next: Into): void => {
    const known = key.length > 0 ? key : has.key.length > 0 ? has.key : usualKey(dataset);
    set({ mode: next, key: needsKey(next) ? known : [] });
  };
  return (
    <section className="card preview-panel" aria-labelledby="destination">
      <h2 id="destination">Where the rows go</h2>
      <fieldset className="bare" disabled={isLocked}>
        <Segmented label="What happens to the rows" options={INTO.map((into) => ({ ...into, isDisabled: isLocked }))} value={mode} onChange={choose} />
      </fieldset>
      <p className="small faint">{EFFECT[mode](dataset)}</p>
      {place?.option === 'mode' ? <ProblemAt problem={problem} /> : null}
      {needsKey(mode) ? <KeyPicker dataset={dataset} value={key} onChange={(next) => set({ mode, key: next })} isDisabled={isLocked} /> : null}
      {isKeyless ? <p className="small">Choose the key; then the file is compared with the dataset.</p> : null}
      {place?.option === 'key' ? <ProblemAt problem={problem} /> : null}
    </section>
  );
}
