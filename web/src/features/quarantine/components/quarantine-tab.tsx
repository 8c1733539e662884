import './quarantine.css';

import { ShieldCheck } from 'lucide-react';
import { useState } from 'react';

import { Button } from '@/components/button';
import { Empty, Failed, ProblemNotice, Skeleton } from '@/components/states';
import type { Dataset } from '@/lib/api/types';
import { useNarrow } from '@/lib/use-narrow';

import type { RecordFilter } from '../api';
import { useQuarantine } from '../use-quarantine';
import { QuarantineActions, QuarantineFilter } from './quarantine-tools';
import { RecordDialog } from './record-dialog';
import { RecordList } from './record-list';
import { RecordTable } from './record-table';

interface QuarantineTabProps {
  dataset: Dataset;
  filter: RecordFilter;
  onFilter: (filter: RecordFilter) => void;
}

const EMPTY: Record<RecordFilter['state'], { title: string; text: string }> = {
  open: { title: 'Nothing in quarantine', text: 'Every record of every import became a row, or was dealt with. One that does not fit its column is kept here, with its place and the reason, until you mend or discard it.' },
  resubmitted: { title: 'Nothing resubmitted yet', text: 'Records that you mend and resubmit are listed here, with the version that has them as rows.' },
  discarded: { title: 'Nothing discarded', text: 'Records that you discard are kept here and can be reopened.' },
};

export function QuarantineTab({ dataset, filter, onFilter }: QuarantineTabProps) {
  const quarantine = useQuarantine(dataset, filter);
  const narrow = useNarrow();
  const [opened, setOpened] = useState<string | null>(null);
  const { list, rows, resubmission } = quarantine;
  const filtered = filter.code !== undefined || filter.upload !== undefined;
  const row = rows.find(({ id }) => id === opened);
  const Records = narrow ? RecordList : RecordTable;
  return (
    <div className="quarantine">
      <div className="quarantine-head">
        <QuarantineFilter quarantine={quarantine} filter={filter} onFilter={onFilter} />
        <QuarantineActions dataset={dataset} quarantine={quarantine} filter={filter} />
        {resubmission.isError && opened === null ? <ProblemNotice error={resubmission.error} /> : null}
      </div>
      {list.isPending ? <Skeleton /> : null}
      {list.isError && rows.length === 0 ? <Failed error={list.error} what="The quarantine could not be read" onRetry={() => void list.refetch()} /> : null}
      {list.data && rows.length === 0 ? (
        filtered ? (
          <Empty icon={<ShieldCheck size={28} aria-hidden />} title="No such record" actions={<Button onPress={() => onFilter({ state: filter.state, code: undefined, upload: undefined })}>Show all</Button>}>
            None has this reason and file.
          </Empty>
        ) : (
          <Empty icon={<ShieldCheck size={28} aria-hidden />} title={EMPTY[filter.state].title}>{EMPTY[filter.state].text}</Empty>
        )
      ) : null}
      {rows.length > 0 ? <Records dataset={dataset} quarantine={quarantine} onOpen={setOpened} /> : null}
      {list.hasNextPage ? (
        <div className="quarantine-more">
          <Button onPress={() => void list.fetchNextPage()} isDisabled={list.isFetchingNextPage}>Show more</Button>
        </div>
      ) : null}
      {row ? <RecordDialog dataset={dataset} quarantine={quarantine} row={row} onClose={() => setOpened(null)} /> : null}
    </div>
  );
}
