import { useEditSession } from '../use-edit-session';
import { changesIn } from '../words';
import { ConflictDialog } from './conflict-dialog';
import { CopyChanges } from './failure-note';
import { ReviewDialog } from './review-dialog';
import '../edit.css';

export function SessionDialogs({ dataset }: { dataset: string }) {
  const { store, state } = useEditSession(dataset);
  const { session, dialog } = state;
  if (!session) return null;
  if (dialog === 'review') return <ReviewDialog store={store} state={state} session={session} />;
  return dialog === 'conflicts' ? <ConflictDialog store={store} state={state} session={session} /> : null;
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
