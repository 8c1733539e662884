import { useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState } from 'react';

import { Button } from '@/components/button';
import { Failed, Skeleton } from '@/components/states';
import type { HookWithKey } from '@/lib/api/types';

import { hooksQuery } from '../api';
import { HookItem } from './hook-item';
import { KeyDialog } from './key-dialog';
import { NewHookDialog } from './new-hook-dialog';
import './doors.css';

/** The hooks that other systems send rows to. */
export function HooksCard({ datasetId }: { datasetId: string }) {
  const hooks = useQuery(hooksQuery(datasetId));
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<HookWithKey | null>(null);
  return (
    <section className="card stack" style={{ padding: 20 }}>
      <h2>Webhooks</h2>
      <p>A system that has a hook’s key posts rows to its address: CSV, NDJSON or JSON, or the https address of a file. Each message is imported once, as the owner of the dataset.</p>
      {hooks.isPending ? <Skeleton lines={2} /> : null}
      {hooks.isError ? <Failed error={hooks.error} what="The hooks could not be read" onRetry={() => void hooks.refetch()} /> : null}
      {hooks.data && hooks.data.hooks.length > 0 ? (
        <ul className="hooks" aria-label="Webhooks">
          {hooks.data.hooks.map((hook) => <HookItem key={hook.id} datasetId={datasetId} hook={hook} onKey={setMade} />)}
        </ul>
      ) : null}
      <div>
        <Button onPress={() => setMaking(true)}><Plus size={15} aria-hidden /> New webhook</Button>
      </div>
      {making ? <NewHookDialog datasetId={datasetId} onClose={() => setMaking(false)} onMade={setMade} /> : null}
      {made ? <KeyDialog made={made} onClose={() => setMade(null)} /> : null}
    </section>
  );
}
