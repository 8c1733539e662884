import { CircleCheck, Undo2, X } from 'lucide-react';

import { Button, IconButton } from '@/components/button';

import { useEditSession } from '../use-edit-session';
import { changesIn } from '../words';
import { ConflictDialog } from './conflict-dialog';
import { CopyChanges } from './failure-note';
import { ReviewDialog } from './review-dialog';
import '../edit.css';

/** The dialogs of a session, and what is said when it has ended. */
export function SessionDialogs({ dataset }: { dataset: string }) {
  const { store, state } = useEditSession(dataset);
  const { session, ended, dialog } = state;
  if (session) {
    if (dialog === 'review') return <ReviewDialog store={store} state={state} session={session} />;
    return dialog === 'conflicts' ? <ConflictDialog store={store} state={state} session={session} /> : null;
  }
  if (!ended) return null;
  return (
    <div className={`session-note ${ended.kind === 'published' ? 'good' : ''}`} role="status">
      {ended.kind === 'published' ? (
        <>
          <CircleCheck size={15} aria-hidden />
          <span className="grow">Published as v{ended.version}.</span>
        </>
      ) : (
        <>
          <span className="grow">Discarded: {changesIn(ended.session)}. Nothing was published.</span>
          <Button size="tiny" onPress={() => store.bringBack(ended.session)}>
            <Undo2 size={13} aria-hidden /> Undo
          </Button>
        </>
      )}
      <IconButton tiny label="Close" onPress={() => store.update({ ended: null })}>
        <X size={14} aria-hidden />
      </IconButton>
    </div>
  );
}

/** For a dataset that cannot be opened any more: the changes made on it are still here. */
export function KeptChanges({ dataset }: { dataset: string }) {
  const { session } = useEditSession(dataset).state;
  return session ? (
    <div className="stack small" style={{ alignItems: 'center', gap: 6 }}>
      <span>{changesIn(session)}, kept in this browser.</span>
      <CopyChanges session={session} />
    </div>
  ) : null;
}
