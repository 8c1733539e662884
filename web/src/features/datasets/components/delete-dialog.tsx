import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { Button } from '@/components/button';
import { Dialog, DialogBody, DialogFoot } from '@/components/dialog';
import { ProblemNotice } from '@/components/states';
import { TextField } from '@/components/text-field';
import type { Dataset } from '@/lib/api/types';
import { plural } from '@/lib/format';
import { notify } from '@/lib/notices';

import { deleteDataset } from '../api';

/** There is no way back from here, so the name is typed. */
export function DeleteDialog({ dataset, effect, onClose }: { dataset: Dataset; effect: string; onClose: () => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [typed, setTyped] = useState('');
  const matches = typed.trim() === dataset.name.trim();
  const remove = useMutation({
    mutationFn: () => deleteDataset(dataset.id),
    onSuccess: async () => {
      notify({ text: `${dataset.name} is deleted.` });
      await navigate({ to: '/' });
      client.removeQueries({ queryKey: ['dataset', dataset.id] });
      await client.invalidateQueries({ queryKey: ['datasets'] });
    },
  });
  return (
    <Dialog title={`Delete ${dataset.name}?`} isOpen onClose={onClose} alert>
      <form
        style={{ display: 'contents' }}
        onSubmit={(event) => {
          event.preventDefault();
          if (matches && !remove.isPending) remove.mutate();
        }}
      >
        <DialogBody>
          <p>{effect} This cannot be undone.</p>
          <TextField label={`Type “${dataset.name}” to delete it`} value={typed} onChange={setTyped} autoFocus autoComplete="off" />
          {remove.isError ? <ProblemNotice error={remove.error} /> : null}
        </DialogBody>
        <DialogFoot>
          <Button look="quiet" onPress={onClose}>Keep it</Button>
          <Button look="danger" type="submit" isDisabled={!matches || remove.isPending}>Delete {plural(dataset.rows, 'row')}</Button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}
