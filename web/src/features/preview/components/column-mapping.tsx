import { RotateCcw } from 'lucide-react';

import { Button, IconButton } from '@/components/button';
import { Checkbox } from '@/components/checkbox';
import { ChoiceOrText } from '@/components/choice-or-text';
import { CommitField } from '@/components/commit-field';
import { LightSelect } from '@/components/light-select';
import type { SelectOption } from '@/components/select';
import type { Dataset, Mapped, Options, Plan, Problem } from '@/lib/api/types';
import { typeName } from '@/lib/cells';
import { plural } from '@/lib/format';

import { fileColumns, freeName, type Goal, goalOf } from '../columns';
import { nullName, NULLS } from '../nulls';
import { withMapping, withNull } from '../options';
import { placeOf, WHY } from '../words';
import { ProblemAt } from './problem-at';

const NEW = '\0new';
const NOWHERE = '\0nowhere';
const FOUND = '\0found';

interface ColumnMappingProps {
  plan: Plan | null | undefined;
  options: Options;
  /** The dataset whose columns stay; null where the file brings all columns. */
  dataset: Dataset | null;
  problem: Problem | null;
  isLocked: boolean;
  onChange: (of: (options: Options) => Options) => void;
}

/** Each column of the file: where it goes, why, and how it spells null. */
export function ColumnMapping({ plan, options, dataset, problem, isLocked, onChange }: ColumnMappingProps) {
  const place = placeOf(problem);
  const all = fileColumns(plan, options);
  const hasMapping = Object.keys(options.mapping ?? {}).length > 0;
  if (all.length === 0 && place?.option !== 'new_columns') return null;
  const left = all.filter(({ by }) => by === 'left_out').length;
  return (
    <section className="stack" aria-labelledby="file-columns">
      <div className="row" style={{ flexWrap: 'wrap' }}>
        <h2 id="file-columns" className="grow">Columns of the file</h2>
        {left > 0 ? <span className="small faint">{plural(left, 'column')} left out</span> : null}
        {dataset && hasMapping ? (
          <Button size="tiny" look="quiet" isDisabled={isLocked} onPress={() => onChange((now) => ({ ...now, mapping: {} }))}>
            <RotateCcw size={13} aria-hidden /> As proposed
          </Button>
        ) : null}
      </div>
      {place?.option === 'mapping' && !all.some(({ file }) => file === place.column) ? <ProblemAt problem={problem} /> : null}
      {all.length > 0 ? (
        <ul className={`card mapping ${dataset ? '' : 'plain'}`}>
          {all.map((mapped) => (
            <MappingItem
              key={mapped.file}
              mapped={mapped}
              others={all}
              found={plan?.columns.find(({ id }) => id === mapped.column)?.null_token}
              options={options}
              dataset={dataset}
              problem={place?.column === mapped.file ? problem : null}
              isLocked={isLocked}
              onChange={onChange}
            />
          ))}
        </ul>
      ) : null}
      {dataset ? (
        <>
          <Checkbox isSelected={options.new_columns !== 'refuse'} isDisabled={isLocked} onChange={(on) => onChange((now) => ({ ...now, new_columns: on ? 'add' : 'refuse' }))}>
            Columns that {dataset.name} does not have are added to it
          </Checkbox>
          {place?.option === 'new_columns' ? <ProblemAt problem={problem} /> : null}
        </>
      ) : null}
    </section>
  );
}

interface MappingItemProps extends Omit<ColumnMappingProps, 'plan'> {
  mapped: Mapped;
  others: readonly Mapped[];
  /** How null is spelled, as it was found. */
  found: string | null | undefined;
}

function MappingItem({ mapped, others, found, options, dataset, problem, isLocked, onChange }: MappingItemProps) {
  const { file } = mapped;
  const goal: Goal | null = dataset ? goalOf(mapped, options, dataset) : null;
  const isOut = goal?.to === 'nowhere';
  const why = WHY[options.mapping?.[file] === undefined ? mapped.by : 'chosen'];
  const map = (to: string | null | undefined): void => onChange((now) => withMapping(now, file, to));
  return (
    <li className={`mapping-item ${isOut ? 'out' : ''}`}>
      <b className="cut" title={file}>{file}</b>
      {dataset && goal ? (
        <div className="stack" style={{ gap: 4 }}>
          <LightSelect label={`${file} goes to`} shown={nameOf(goal, dataset)} options={() => goals(dataset, mapped, others, options)} value={keyOf(goal)} isDisabled={isLocked} onChange={(to) => map(to === NOWHERE ? null : to === NEW ? freeName(file, dataset.columns) : to)} />
          {goal.to === 'new' ? <CommitField label={`Name of the new column for ${file}`} value={goal.name} maxLength={200} isDisabled={isLocked} onCommit={(name) => (name.trim() === '' ? undefined : map(name.trim()))} /> : null}
        </div>
      ) : null}
      {dataset ? (
        <span className="mapping-why">
          <span className={`badge ${why.look}`}>{why.label}</span>
          {options.mapping?.[file] === undefined ? null : (
            <IconButton tiny label={`${file}: as proposed`} isDisabled={isLocked} onPress={() => map(undefined)}><RotateCcw size={13} aria-hidden /></IconButton>
          )}
        </span>
      ) : null}
      {isOut ? null : <NullChoice file={file} said={options.nulls?.[file]} found={found} isLocked={isLocked} onChange={(token) => onChange((now) => withNull(now, file, token))} />}
      {problem ? <div className="mapping-problem"><ProblemAt problem={problem} /></div> : null}
    </li>
  );
}

const nameOf = (goal: Goal, dataset: Dataset): string => (goal.to === 'column' ? (dataset.columns.find(({ id }) => id === goal.id)?.name ?? goal.id) : goal.to === 'new' ? 'A new column' : 'Leave out');

const keyOf = (goal: Goal): string => (goal.to === 'column' ? goal.id : goal.to === 'new' ? NEW : NOWHERE);

/** The dataset's columns, with what goes there already. */
function goals(dataset: Dataset, mapped: Mapped, others: readonly Mapped[], options: Options): SelectOption[] {
  const taken = new Map<string, string>();
  for (const other of others) {
    if (other.file === mapped.file) continue;
    const goal = goalOf(other, options, dataset);
    if (goal.to === 'column') taken.set(goal.id, other.file);
  }
  return [
    ...dataset.columns.map(({ id, name, type }) => {
      const from = taken.get(id);
      return { id, label: name, hint: from === undefined ? typeName(type) : `from ${from}` };
    }),
    { id: NEW, label: 'A new column' },
    { id: NOWHERE, label: 'Leave out' },
  ];
}

interface NullChoiceProps {
  file: string;
  said: string | undefined;
  found: string | null | undefined;
  isLocked: boolean;
  onChange: (token: string | undefined) => void;
}

function NullChoice({ file, said, found, isLocked, onChange }: NullChoiceProps) {
  const asFound = { id: FOUND, label: said !== undefined ? 'Null: as found' : found == null ? 'No null found' : `Null: ${nullName(found)}` };
  return (
    <ChoiceOrText
      label={`Null in ${file}`}
      options={[asFound, ...NULLS]}
      value={said ?? FOUND}
      onChange={(token) => onChange(token === FOUND ? undefined : token)}
      other="Another spelling…"
      otherLabel={`Spelling of null in ${file}`}
      maxLength={100}
      isDisabled={isLocked}
    />
  );
}
