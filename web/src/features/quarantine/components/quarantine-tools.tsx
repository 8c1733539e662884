import { useQueryClient } from '@tanstack/react-query';
import { Download, RotateCcw, Send, Trash2 } from 'lucide-react';

import { Button } from '@/components/button';
import { Segmented } from '@/components/segmented';
import { Select, type SelectOption } from '@/components/select';
import { datasetQuery } from '@/features/datasets/api';
import { reasonOf } from '@/lib/api/problem';
import type { Dataset, QuarantineList, QuarantineState } from '@/lib/api/types';
import { count } from '@/lib/format';
import { notify } from '@/lib/notices';

import { downloadUrl, type RecordFilter } from '../api';
import type { Quarantine } from '../use-quarantine';
import { reasonName } from '../words';

const STATES: readonly { id: QuarantineState; label: string }[] = [
  { id: 'open', label: 'Open' },
  { id: 'resubmitted', label: 'Resubmitted' },
  { id: 'discarded', label: 'Discarded' },
];

const ANY = 'any';

/** What there is to choose from, the most frequent first. */
function optionsOf(groups: QuarantineList['groups'], by: 'code' | 'upload_id', name: (group: QuarantineList['groups'][number]) => string, any: string): SelectOption[] {
  const options = new Map<string, { label: string; rows: number }>();
  for (const group of groups) {
    const known = options.get(group[by]);
    options.set(group[by], { label: name(group), rows: (known?.rows ?? 0) + group.rows });
  }
  return [{ id: ANY, label: any }, ...[...options].toSorted(([, a], [, b]) => b.rows - a.rows).map(([id, { label, rows }]) => ({ id, label, hint: count(rows) }))];
}

interface FilterProps {
  quarantine: Quarantine;
  filter: RecordFilter;
  onFilter: (filter: RecordFilter) => void;
}

/** Which records are shown. */
export function QuarantineFilter({ quarantine, filter, onFilter }: FilterProps) {
  const reasons = optionsOf(quarantine.groups, 'code', (group) => reasonName(group.code), 'Any reason');
  const files = optionsOf(quarantine.groups, 'upload_id', (group) => group.file_name, 'Any file');
  const chosen = (value: string): string | undefined => (value === ANY ? undefined : value);
  return (
    <div className="quarantine-tools" role="group" aria-label="Which records">
      <Segmented label="State of the records" options={STATES} value={filter.state} onChange={(state) => onFilter({ state, code: undefined, upload: undefined })} />
      <Select label="Reason" quietLabel options={reasons} value={filter.code ?? ANY} onChange={(code) => onFilter({ ...filter, code: chosen(code) })} />
      <Select label="File" quietLabel options={files} value={filter.upload ?? ANY} onChange={(upload) => onFilter({ ...filter, upload: chosen(upload) })} />
    </div>
  );
}

interface ActionsProps {
  dataset: Dataset;
  quarantine: Quarantine;
  filter: RecordFilter;
}

/** What can be done with the chosen records. */
export function QuarantineActions({ dataset, quarantine, filter }: ActionsProps) {
  const { selected, mendable, resubmission, discarding, rows, total } = quarantine;
  const client = useQueryClient();
  const ids = selected.map((row) => row.id);
  const editor = dataset.role !== 'viewer';
  const download = async (): Promise<void> => {
    try {
      // A link cannot renew the session; this can.
      await client.query({ ...datasetQuery(dataset.id), staleTime: 0 });
    } catch (error) {
      notify({ bad: true, text: `The quarantine could not be downloaded. ${reasonOf(error)}` });
      return;
    }
    const link = document.createElement('a');
    link.href = downloadUrl(dataset.id, filter);
    link.download = `${dataset.name} quarantine.csv`;
    link.click();
  };
  return (
    <div className="quarantine-tools" role="group" aria-label="What to do with them">
      <span className="small grow" role="status">
        {selected.length > 0 ? `${count(selected.length)} of ${count(total)} selected` : `${count(total)} ${total === 1 ? 'record' : 'records'}${rows.length < total ? `, ${count(rows.length)} shown` : ''}`}
      </span>
      <Button onPress={() => void download()} isDisabled={total === 0}>
        <Download size={14} aria-hidden /> Download
      </Button>
      {editor && filter.state === 'discarded' ? (
        <Button onPress={() => void quarantine.reopen(ids)} isDisabled={ids.length === 0}>
          <RotateCcw size={14} aria-hidden /> Reopen{ids.length > 0 ? ` ${count(ids.length)}` : ''}
        </Button>
      ) : null}
      {editor && filter.state === 'open' ? (
        <>
          <Button onPress={() => discarding.mutate(ids)} isDisabled={ids.length === 0 || discarding.isPending || resubmission.isPending}>
            <Trash2 size={14} aria-hidden /> Discard{ids.length > 0 ? ` ${count(ids.length)}` : ''}
          </Button>
          <Button look="primary" onPress={() => resubmission.mutate(mendable)} isDisabled={mendable.length === 0 || discarding.isPending || resubmission.isPending}>
            <Send size={14} aria-hidden /> {resubmission.isPending ? 'Resubmitting…' : `Resubmit${mendable.length > 0 ? ` ${count(mendable.length)}` : ''}`}
          </Button>
        </>
      ) : null}
    </div>
  );
}
