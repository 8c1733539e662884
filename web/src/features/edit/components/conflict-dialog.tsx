import { useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { ToggleButton, ToggleButtonGroup } from 'react-aria-components';

import { Button } from '@/components/button';
import { Dialog, DialogBody, DialogFoot } from '@/components/dialog';
import { ProblemNotice } from '@/components/states';
import type { Column, Conflict } from '@/lib/api/types';
import { plural } from '@/lib/format';

import { type Choice, type Question, questionsOf } from '../conflicts';
import { resolve } from '../publish';
import { nameOfRow, type Session } from '../session';
import type { SessionState, SessionStore } from '../session-store';
import { rowName } from '../shown-rows';
import { CellValue } from './cell-value';

const WORDS: Record<Question['kind'], { says: string; theirs: string; mine: string }> = {
  cell: { says: 'You and somebody else changed this cell.', theirs: 'Theirs', mine: 'Yours' },
  deleted: { says: 'You deleted this row; somebody else changed it.', theirs: 'Keep their row', mine: 'Delete it' },
  gone: { says: 'You changed this row; somebody else deleted it.', theirs: 'Leave it deleted, drop yours', mine: 'Insert yours as a new row' },
};

interface QuestionItemProps {
  question: Question;
  /** What the row is known by. */
  name: string;
  columns: readonly Column[];
  choice: Choice | undefined;
  onChoose: (choice: Choice) => void;
}

function QuestionItem({ question, name, columns, choice, onChoose }: QuestionItemProps) {
  const words = WORDS[question.kind];
  const column = (id: string | null | undefined): Column | undefined => columns.find((other) => other.id === id);
  const value = (id: string | null | undefined, it: unknown) => <span className="value"><CellValue value={it} kind={column(id)?.type ?? 'text'} /></span>;
  const several = (cells: readonly Conflict[], pick: (cell: Conflict) => unknown) =>
    cells.map((cell) => <span key={cell.column ?? ''} className="value"><span className="faint">{column(cell.column)?.name ?? ''} </span>{value(cell.column, pick(cell))}</span>);
  const title = question.kind === 'cell' ? `${rowName(question.row)}, ${column(question.column)?.name ?? question.column}` : rowName(question.row);
  return (
    <li className="conflict">
      <div className="row" style={{ flexWrap: 'wrap' }}>
        <h3>{title}</h3>
        <span className="small">{name}</span>
        <span className="small faint">{words.says}</span>
      </div>
      <ToggleButtonGroup
        className="conflict-values"
        aria-label={title}
        selectionMode="single"
        selectedKeys={choice ? [choice] : []}
        onSelectionChange={(keys) => {
          if (keys.has('theirs') || keys.has('mine')) onChoose(keys.has('mine') ? 'mine' : 'theirs');
        }}
      >
        <div className="conflict-value">
          <span className="what">Before</span>
          {question.kind === 'cell' ? value(question.column, question.base) : several(question.cells, (cell) => cell.base)}
        </div>
        <ToggleButton id="theirs" className="conflict-value conflict-choice" aria-label={`${words.theirs}: ${title}`}>
          <span className="what">{words.theirs}</span>
          {question.kind === 'cell' ? value(question.column, question.theirs) : question.kind === 'gone' ? <span className="no-value">row deleted</span> : several(question.cells, (cell) => cell.theirs)}
        </ToggleButton>
        <ToggleButton id="mine" className="conflict-value conflict-choice" aria-label={`${words.mine}: ${title}`}>
          <span className="what">{words.mine}</span>
          {question.kind === 'cell' ? value(question.column, question.yours) : question.kind === 'gone' ? several(question.cells, (cell) => cell.yours) : <span className="no-value">row deleted</span>}
        </ToggleButton>
      </ToggleButtonGroup>
    </li>
  );
}

/** Base, theirs and yours side by side; one answer for each, then the rest is published on the head. */
export function ConflictDialog({ store, state, session }: { store: SessionStore; state: SessionState; session: Session }) {
  const client = useQueryClient();
  const [choices, setChoices] = useState<ReadonlyMap<string, Choice>>(new Map());
  const [busy, setBusy] = useState(false);
  const found = useMemo(() => questionsOf(state.conflicts, session), [state.conflicts, session]);
  const open = found.questions.filter(({ id }) => !choices.has(id)).length;
  const all = (choice: Choice): void => setChoices(new Map(found.questions.map(({ id }) => [id, choice])));
  const goOn = (): void => {
    setBusy(true);
    void resolve(store, client, found, choices).finally(() => setBusy(false));
  };
  return (
    <Dialog title={`${plural(found.questions.length, 'change')} met somebody else’s`} isOpen onClose={() => store.update({ dialog: null })} wide alert>
      <DialogBody>
        <p>
          Others published up to v{state.head?.version ?? '?'} since you began on v{session.baseVersion}. Nothing of yours was published yet and nothing is lost. Say for each which one stands; all your other changes stay as they are.
        </p>
        <div className="row" style={{ flexWrap: 'wrap' }}>
          <Button size="tiny" onPress={() => all('theirs')}>Theirs for all</Button>
          <Button size="tiny" onPress={() => all('mine')}>Yours for all</Button>
          <span className="small faint" role="status">{open === 0 ? 'All decided.' : `${plural(open, 'decision')} left.`}</span>
        </div>
        {state.error === null ? null : <ProblemNotice error={state.error} />}
        <ol className="conflicts" aria-label="Conflicts">
          {found.questions.map((question) => (
            <QuestionItem key={question.id} question={question} name={session.names.get(question.row) ?? nameOfRow(session.deleted.get(question.row) ?? [])} columns={session.columns} choice={choices.get(question.id)} onChoose={(choice) => setChoices(new Map(choices).set(question.id, choice))} />
          ))}
        </ol>
      </DialogBody>
      <DialogFoot>
        <Button onPress={() => store.update({ dialog: null })}>Go on editing</Button>
        <Button look="primary" onPress={goOn} isDisabled={open > 0 || busy || state.publishing}>
          {busy || state.publishing ? 'Publishing…' : 'Publish with these choices'}
        </Button>
      </DialogFoot>
    </Dialog>
  );
}
