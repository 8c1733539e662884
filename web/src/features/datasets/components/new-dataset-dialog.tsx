import './new-dataset.css';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { ArrowDown, ArrowUp, Plus, X } from 'lucide-react';
import { useState } from 'react';
import { FieldError, Input, TextField as AriaTextField } from 'react-aria-components';

import { Button, IconButton } from '@/components/button';
import { Dialog, DialogBody, DialogFoot } from '@/components/dialog';
import { Select, type SelectOption } from '@/components/select';
import { ProblemNotice } from '@/components/states';
import { TextField } from '@/components/text-field';
import type { ColumnType } from '@/lib/api/types';
import { COLUMN_TYPES, typeMark, typeName } from '@/lib/cells';

import { createDataset, datasetQuery } from '../api';
import { added, type ColumnDraft, COLUMNS_MAX, moved, NAME_MAX, nameError, toColumns } from '../column-drafts';

const TYPES: readonly SelectOption<ColumnType>[] = COLUMN_TYPES.map((type) => ({ id: type, label: typeName(type), hint: typeMark(type) }));

/** An empty dataset: a name and its columns. It opens at its grid. */
export function NewDatasetDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [drafts, setDrafts] = useState<readonly ColumnDraft[]>(added([]));
  const [tried, setTried] = useState(false);
  const ready = name.trim() !== '' && drafts.every((_, at) => nameError(drafts, at) === null);
  const create = useMutation({
    mutationFn: () => createDataset(name.trim(), toColumns(drafts)),
    onSuccess: async (dataset) => {
      client.setQueryData(datasetQuery(dataset.id).queryKey, dataset);
      void client.invalidateQueries({ queryKey: ['datasets'] });
      onClose();
      await navigate({ to: '/datasets/$id', params: { id: dataset.id } });
    },
  });
  return (
    <Dialog title="New dataset" isOpen onClose={onClose} stays>
      <form
        style={{ display: 'contents' }}
        onSubmit={(event) => {
          event.preventDefault();
          setTried(true);
          if (ready && !create.isPending) create.mutate();
        }}
      >
        <DialogBody>
          <TextField label="Name of the dataset" value={name} onChange={setName} maxLength={NAME_MAX} autoFocus error={tried && name.trim() === '' ? 'A dataset needs a name.' : null} />
          <div className="stack" style={{ gap: 8 }} role="group" aria-labelledby="draft-columns">
            <span className="field-label" id="draft-columns">Columns</span>
            <ol className="draft-columns">
              {drafts.map((draft, at) => (
                <DraftItem
                  key={draft.key}
                  draft={draft}
                  at={at}
                  count={drafts.length}
                  error={tried || draft.name !== '' ? nameError(drafts, at) : null}
                  onChange={(change) => setDrafts(drafts.map((other, i) => (i === at ? { ...other, ...change } : other)))}
                  onMove={(by) => setDrafts(moved(drafts, at, by))}
                  onRemove={() => setDrafts(drafts.filter((_, i) => i !== at))}
                />
              ))}
            </ol>
            <div>
              <Button size="tiny" isDisabled={drafts.length >= COLUMNS_MAX} onPress={() => setDrafts(added(drafts))}>
                <Plus size={13} aria-hidden /> Add column
              </Button>
            </div>
          </div>
          {create.isError ? <ProblemNotice error={create.error} /> : null}
        </DialogBody>
        <DialogFoot>
          <Button look="quiet" onPress={onClose}>Cancel</Button>
          <Button look="primary" type="submit" isDisabled={create.isPending}>Create dataset</Button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}

interface DraftItemProps {
  draft: ColumnDraft;
  at: number;
  count: number;
  error: string | null;
  onChange: (change: Partial<ColumnDraft>) => void;
  onMove: (by: -1 | 1) => void;
  onRemove: () => void;
}

function DraftItem({ draft, at, count, error, onChange, onMove, onRemove }: DraftItemProps) {
  const called = draft.name.trim() || `column ${at + 1}`;
  return (
    <li className="draft-column">
      <AriaTextField className="field" aria-label={`Name of column ${at + 1}`} value={draft.name} onChange={(name) => onChange({ name })} maxLength={NAME_MAX} isInvalid={error !== null} autoFocus={at > 0 && draft.name === ''}>
        <Input className="input" placeholder={`Column ${at + 1}`} />
        <FieldError className="field-error">{error}</FieldError>
      </AriaTextField>
      <Select label={`Type of ${called}`} quietLabel options={TYPES} value={draft.type} onChange={(type) => onChange({ type })} />
      <span className="draft-tools">
        <IconButton label={`Move ${called} up`} isDisabled={at === 0} onPress={() => onMove(-1)}><ArrowUp size={14} aria-hidden /></IconButton>
        <IconButton label={`Move ${called} down`} isDisabled={at === count - 1} onPress={() => onMove(1)}><ArrowDown size={14} aria-hidden /></IconButton>
        <IconButton label={`Remove ${called}`} isDisabled={count === 1} onPress={onRemove}><X size={14} aria-hidden /></IconButton>
      </span>
    </li>
  );
}
