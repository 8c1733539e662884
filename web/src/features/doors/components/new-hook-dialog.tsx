import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { Button } from '@/components/button';
import { Dialog, DialogBody, DialogFoot } from '@/components/dialog';
import { Segmented } from '@/components/segmented';
import { ProblemNotice } from '@/components/states';
import { TextField } from '@/components/text-field';
import type { HookWithKey } from '@/lib/api/types';

import { createHook } from '../api';

interface NewHookDialogProps {
  datasetId: string;
  onClose: () => void;
  onMade: (made: HookWithKey) => void;
}

const EFFECT = {
  append: 'Each message adds its rows to the dataset.',
  replace: 'Each message’s rows take the place of all rows; the ones before stay in History.',
};

export function NewHookDialog({ datasetId, onClose, onMade }: NewHookDialogProps) {
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [mode, setMode] = useState<'append' | 'replace'>('append');
  const make = useMutation({
    mutationFn: () => createHook(datasetId, { name: name.trim(), mode }),
    onSuccess: async (made) => {
      onClose();
      onMade(made);
      await client.invalidateQueries({ queryKey: ['dataset', datasetId, 'hooks'] });
    },
  });
  const ready = name.trim() !== '' && !make.isPending;
  return (
    <Dialog title="New webhook" isOpen onClose={onClose} stays>
      <form
        style={{ display: 'contents' }}
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) make.mutate();
        }}
      >
        <DialogBody>
          <TextField label="Name" value={name} onChange={setName} maxLength={200} autoFocus placeholder="Who sends, or what" />
          <Segmented label="What happens to the rows" options={[{ id: 'append', label: 'Append' }, { id: 'replace', label: 'Replace' }]} value={mode} onChange={setMode} />
          <p className="small faint" role="status">{EFFECT[mode]}</p>
          {make.isError ? <ProblemNotice error={make.error} /> : null}
        </DialogBody>
        <DialogFoot>
          <Button look="quiet" onPress={onClose}>Cancel</Button>
          <Button look="primary" type="submit" isDisabled={!ready}>Make the webhook</Button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}
