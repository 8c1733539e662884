import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Trash2 } from 'lucide-react';
import { useState } from 'react';

import { Button } from '@/components/button';
import { Dialog, DialogBody, DialogFoot } from '@/components/dialog';
import { ProblemNotice } from '@/components/states';
import { TextField } from '@/components/text-field';
import type { Dataset } from '@/lib/api/types';
import { exactTime, plural } from '@/lib/format';

import { deleteDataset, renameDataset } from '../api';

export function SettingsTab({ dataset }: { dataset: Dataset }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState(dataset.name);
  const [asking, setAsking] = useState(false);
  const rename = useMutation({
    mutationFn: () => renameDataset(dataset.id, name.trim()),
    onSuccess: () => Promise.all([client.invalidateQueries({ queryKey: ['dataset', dataset.id] }), client.invalidateQueries({ queryKey: ['datasets'] })]),
  });
  const remove = useMutation({
    mutationFn: () => deleteDataset(dataset.id),
    onSuccess: async () => {
      await navigate({ to: '/' });
      client.removeQueries({ queryKey: ['dataset', dataset.id] });
      await client.invalidateQueries({ queryKey: ['datasets'] });
    },
  });
  const owner = dataset.role === 'owner';
  const effect = `Deletes ${plural(dataset.rows, 'row')} and all ${plural(dataset.version, 'version')} of ${dataset.name}, for everybody who has it.`;
  return (
    <div className="page" style={{ maxWidth: 720 }}>
      <section className="card stack" style={{ padding: 20 }}>
        <h2>Name</h2>
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            rename.mutate();
          }}
        >
          <TextField label="Name of the dataset" value={name} onChange={setName} maxLength={200} isReadOnly={dataset.role === 'viewer'} />
          {rename.isError ? <ProblemNotice error={rename.error} /> : null}
          <div className="row">
            <Button type="submit" look="primary" isDisabled={name.trim() === '' || name.trim() === dataset.name || rename.isPending || dataset.role === 'viewer'}>Rename</Button>
            <span role="status" className="small faint">{rename.isSuccess && name.trim() === dataset.name ? 'Renamed.' : ''}</span>
          </div>
        </form>
      </section>
      <section className="card stack" style={{ padding: 20, gap: 6 }}>
        <h2>About</h2>
        <p className="small faint">Made {exactTime(dataset.created_at)} · your role: {dataset.role}</p>
        <p className="small faint mono">{dataset.id}</p>
      </section>
      <section className="card stack" style={{ padding: 20 }}>
        <h2>Delete</h2>
        <p>{effect}</p>
        {owner ? null : <p className="small faint">Only an owner may delete it.</p>}
        <div>
          <Button look="danger" isDisabled={!owner} onPress={() => setAsking(true)}>
            <Trash2 size={15} aria-hidden /> Delete dataset
          </Button>
        </div>
      </section>
      <Dialog title={`Delete ${dataset.name}?`} isOpen={asking} onClose={() => setAsking(false)} alert>
        <DialogBody>
          <p>{effect} This cannot be undone from here.</p>
          {remove.isError ? <ProblemNotice error={remove.error} /> : null}
        </DialogBody>
        <DialogFoot>
          <Button look="quiet" onPress={() => setAsking(false)}>Keep it</Button>
          <Button look="danger" onPress={() => remove.mutate()} isDisabled={remove.isPending}>Delete {plural(dataset.rows, 'row')}</Button>
        </DialogFoot>
      </Dialog>
    </div>
  );
}
