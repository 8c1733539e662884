import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Trash2 } from 'lucide-react';
import { useState } from 'react';

import { Button } from '@/components/button';
import { ProblemNotice } from '@/components/states';
import { TextField } from '@/components/text-field';
import { DropFolderCard } from '@/features/doors/components/drop-folder-card';
import { HooksCard } from '@/features/doors/components/hooks-card';
import type { Dataset } from '@/lib/api/types';
import { exactTime, plural } from '@/lib/format';

import { renameDataset } from '../api';
import { NAME_MAX } from '../column-drafts';
import { ColumnList } from './column-list';
import { DeleteDialog } from './delete-dialog';

function NameCard({ dataset, owner }: { dataset: Dataset; owner: boolean }) {
  const client = useQueryClient();
  const [name, setName] = useState(dataset.name);
  const rename = useMutation({
    mutationFn: () => renameDataset(dataset.id, name.trim()),
    onSuccess: () => Promise.all([client.invalidateQueries({ queryKey: ['dataset', dataset.id] }), client.invalidateQueries({ queryKey: ['datasets'] })]),
  });
  const same = name.trim() === dataset.name;
  return (
    <section className="card stack" style={{ padding: 20 }}>
      <h2>Name</h2>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() !== '' && !same && owner) rename.mutate();
        }}
      >
        <TextField label="Name of the dataset" value={name} onChange={setName} maxLength={NAME_MAX} isReadOnly={!owner} />
        {rename.isError ? <ProblemNotice error={rename.error} /> : null}
        <div className="row">
          {owner ? <Button type="submit" look="primary" isDisabled={name.trim() === '' || same || rename.isPending}>Rename</Button> : <span className="small faint">Only an owner may rename it.</span>}
          <span role="status" className="small faint">{rename.isSuccess && same ? 'Renamed.' : ''}</span>
        </div>
      </form>
    </section>
  );
}

export function SettingsTab({ dataset }: { dataset: Dataset }) {
  const [asking, setAsking] = useState(false);
  const owner = dataset.role === 'owner';
  const effect = `Deletes ${plural(dataset.rows, 'row')} and all ${plural(dataset.version, 'version')} of ${dataset.name}, for everybody who has it.`;
  return (
    <div className="page" style={{ maxWidth: 860 }}>
      <NameCard dataset={dataset} owner={owner} />
      <section className="card stack" style={{ padding: '20px 0 0' }}>
        <h2 style={{ padding: '0 20px' }}>{plural(dataset.columns.length, 'column')}</h2>
        <ColumnList dataset={dataset} />
      </section>
      {dataset.role === 'viewer' ? null : (
        <>
          <DropFolderCard datasetId={dataset.id} />
          <HooksCard datasetId={dataset.id} />
        </>
      )}
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
      {asking ? <DeleteDialog dataset={dataset} effect={effect} onClose={() => setAsking(false)} /> : null}
    </div>
  );
}
