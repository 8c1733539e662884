import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useId, useState } from 'react';

import { Button } from '@/components/button';
import { Checkbox } from '@/components/checkbox';
import { Dialog, DialogBody, DialogFoot } from '@/components/dialog';
import { ProblemNotice } from '@/components/states';
import { TextField } from '@/components/text-field';
import type { Column, Dataset } from '@/lib/api/types';
import { typeName } from '@/lib/cells';

import { setRules } from '../api';
import { canBeUnique, draftOf, hasList, hasPattern, hasRange, type RulesDraft, rulesOf } from '../rules';

/** What new values of a column have to be. */
export function RulesDialog({ dataset, column, onClose }: { dataset: Dataset; column: Column; onClose: () => void }) {
  const client = useQueryClient();
  const [draft, setDraft] = useState(() => draftOf(dataset.rules[column.id]));
  const listId = useId();
  const change = (part: Partial<RulesDraft>): void => setDraft((before) => ({ ...before, ...part }));
  const save = useMutation({
    mutationFn: () => setRules(dataset.id, { [column.id]: rulesOf(draft) }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['dataset', dataset.id] });
      onClose();
    },
  });
  return (
    <Dialog title={`Rules of ${column.name}`} isOpen onClose={onClose} stays>
      <form
        style={{ display: 'contents' }}
        onSubmit={(event) => {
          event.preventDefault();
          if (!save.isPending) save.mutate();
        }}
      >
        <DialogBody>
          <p className="small faint">They hold for what is written from now on: an import puts a row that breaks one into quarantine, an edit session is told. Rows that are there already stay.</p>
          <Checkbox isSelected={draft.required} onChange={(required) => change({ required })}>
            Required: no null{column.type === 'text' ? ' and no empty text' : ''}
          </Checkbox>
          {canBeUnique(column) ? (
            <Checkbox isSelected={draft.unique} onChange={(unique) => change({ unique })}>
              Unique: each value in one row only
            </Checkbox>
          ) : null}
          {hasRange(column) ? (
            <div className="row rules-range">
              <TextField label="Least value" value={draft.min} onChange={(min) => change({ min })} />
              <TextField label="Greatest value" value={draft.max} onChange={(max) => change({ max })} />
            </div>
          ) : null}
          {hasPattern(column) ? <TextField label="Pattern that the whole text matches (a regular expression)" placeholder="Such as: N[0-9]+[A-Z]*" value={draft.pattern} onChange={(pattern) => change({ pattern })} maxLength={1000} /> : null}
          {hasList(column) ? (
            <div className="field">
              <label htmlFor={listId}>One of these, a {typeName(column.type)} per line</label>
              <textarea id={listId} className="area" rows={4} spellCheck={false} value={draft.oneOf} onChange={(event) => change({ oneOf: event.target.value })} />
            </div>
          ) : null}
          {save.isError ? <ProblemNotice error={save.error} /> : null}
        </DialogBody>
        <DialogFoot>
          <Button look="quiet" onPress={onClose}>Cancel</Button>
          <Button look="primary" type="submit" isDisabled={save.isPending}>Save rules</Button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}
