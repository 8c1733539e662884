import { useNavigate } from '@tanstack/react-router';
import { FileSpreadsheet, TriangleAlert } from 'lucide-react';
import { useMemo, useState } from 'react';
import { Input, ListBox, ListBoxItem, SearchField } from 'react-aria-components';

import { Button } from '@/components/button';
import { Checkbox } from '@/components/checkbox';
import { Dialog, DialogBody, DialogFoot } from '@/components/dialog';
import { Segmented } from '@/components/segmented';
import { TextField } from '@/components/text-field';
import type { Dataset, Mode } from '@/lib/api/types';
import { bytes, plural } from '@/lib/format';

import { type Intent, nameOf, setIntent } from '../drop-intent';
import { EFFECT, INTO, type Into, needsKey } from '../into';
import { rememberPreview, type Target, usePreviewChoice } from '../preview-choice';
import { start } from '../upload-store';
import './uploads.css';
import { KeyPicker, usualKey } from './key-picker';

interface UploadDialogProps {
  intent: Intent;
  datasets: readonly Dataset[];
}

export function UploadDialog({ intent, datasets }: UploadDialogProps) {
  const writable = useMemo(() => datasets.filter((dataset) => dataset.role !== 'viewer'), [datasets]);
  const preset = writable.find((dataset) => dataset.id === intent.datasetId);
  const [target, setTarget] = useState<Target>(preset ? 'existing' : 'new');
  const [name, setName] = useState(nameOf(intent.files[0]?.name ?? ''));
  const [chosen, setChosen] = useState<string | null>(preset?.id ?? null);
  const [mode, setMode] = useState<Into>('append');
  const [picked, setPicked] = useState<{ dataset: string; key: string[] } | null>(null);
  const [search, setSearch] = useState('');
  const dataset = writable.find((other) => other.id === chosen);
  const key = dataset && picked?.dataset === dataset.id ? picked.key : dataset ? usualKey(dataset) : [];
  const asks = usePreviewChoice(target);
  const keyed = needsKey(mode);
  const many = intent.files.length > 1;
  const empty = intent.files.filter((file) => file.size === 0);
  const ready = empty.length === 0 && (target === 'new' ? many || name.trim() !== '' : dataset !== undefined && (!keyed || key.length > 0));
  const found = writable.filter((other) => other.name.toLowerCase().includes(search.trim().toLowerCase()));

  const navigate = useNavigate();
  const show = (id: string): void => void navigate({ to: '/uploads/$id/preview', params: { id } });

  const send = (): void => {
    for (const file of intent.files) {
      const where: { dataset: { id: string } | { new_name: string }; mode: Mode } =
        target === 'existing' && dataset ? { dataset: { id: dataset.id }, mode } : { dataset: { new_name: many ? nameOf(file.name) : name.trim() }, mode: 'new' };
      const into = 'id' in where.dataset ? (dataset?.name ?? '') : where.dataset.new_name;
      void start(file, into, { ...where, key: target === 'existing' && keyed ? key : [], options: {}, confirm: asks ? 'ask' : 'auto' }, asks && !many ? show : undefined);
    }
    setIntent(null);
  };

  return (
    <Dialog title={many ? `Upload ${plural(intent.files.length, 'file')}` : 'Upload a file'} isOpen onClose={() => setIntent(null)}>
      <form
        style={{ display: 'contents' }}
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) send();
        }}
      >
        <DialogBody>
          <ul className="stack" style={{ gap: 4 }}>
            {intent.files.slice(0, 5).map((file, i) => (
              <li key={i} className="file-line">
                <FileSpreadsheet size={16} aria-hidden />
                <span className="cut grow" title={file.name}>
                  {file.name}
                </span>
                <span className="small faint">{bytes(file.size)}</span>
              </li>
            ))}
            {intent.files.length > 5 ? <li className="small faint">and {intent.files.length - 5} more</li> : null}
          </ul>
          {empty.length > 0 ? (
            <div className="notice bad" role="alert">
              <TriangleAlert size={16} aria-hidden />
              <span>{empty[0]?.name} is empty: it holds 0 bytes. Export it again, then choose it anew.</span>
            </div>
          ) : null}
          <Segmented
            label="Where the rows go"
            options={[{ id: 'new', label: 'New dataset' }, { id: 'existing', label: 'Existing dataset', isDisabled: writable.length === 0 }]}
            value={target}
            onChange={setTarget}
          />
          {target === 'new' && !many ? <TextField label="Name of the dataset" value={name} onChange={setName} maxLength={200} autoFocus /> : null}
          {target === 'new' && many ? <p className="faint">Each file becomes a dataset with the file’s name.</p> : null}
          {target === 'existing' ? (
            <>
              <div className="field">
                <span className="field-label">Dataset</span>
                <div className="picker">
                  <SearchField aria-label="Search datasets" value={search} onChange={setSearch}>
                    <Input className="input" placeholder="Search datasets" />
                  </SearchField>
                  <ListBox
                    className="picker-list"
                    aria-label="Datasets"
                    selectionMode="single"
                    selectedKeys={chosen ? [chosen] : []}
                    onSelectionChange={(keys) => setChosen(keys === 'all' ? null : ([...keys].map(String)[0] ?? null))}
                    items={found}
                    renderEmptyState={() => <div className="picker-empty">No dataset that you may edit has this name.</div>}
                  >
                    {(item) => (
                      <ListBoxItem id={item.id} textValue={item.name} className="menu-item">
                        <span className="cut grow">{item.name}</span>
                        <span className="small faint">{plural(item.rows, 'row')}</span>
                      </ListBoxItem>
                    )}
                  </ListBox>
                </div>
              </div>
              <Segmented label="What happens to the rows" options={INTO} value={mode} onChange={setMode} />
              <p className="small faint" role="status">
                {dataset ? EFFECT[mode](dataset) : 'Choose the dataset that the rows go to.'}
              </p>
              {dataset && keyed ? <KeyPicker dataset={dataset} value={key} onChange={(next) => setPicked({ dataset: dataset.id, key: next })} /> : null}
            </>
          ) : null}
        </DialogBody>
        <DialogFoot>
          <span className="row grow" title="Shows how the file is read and what becomes of its rows; nothing is imported until you say so">
            <Checkbox isSelected={asks} onChange={(on) => rememberPreview(target, on)}>Preview before import</Checkbox>
          </span>
          <Button look="quiet" onPress={() => setIntent(null)}>
            Cancel
          </Button>
          <Button look="primary" type="submit" isDisabled={!ready}>
            Upload
          </Button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}
