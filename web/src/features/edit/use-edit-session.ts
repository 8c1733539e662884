import { useQuery } from '@tanstack/react-query';

import { meQuery } from '@/features/session/api';

import { counts } from './session';
import { type SessionState, type SessionStore, useSessionState, useSessionStore } from './session-store';

export interface EditSession {
  store: SessionStore;
  state: SessionState;
}

/** The signed-in person's session on a dataset. */
export function useEditSession(dataset: string): EditSession {
  const me = useQuery(meQuery);
  const store = useSessionStore(dataset, me.data?.id ?? '');
  return { store, state: useSessionState(store) };
}

/** Ends a session without changes at once; any other is looked through first. */
export function exitSession(store: SessionStore): void {
  const { session } = store.snapshot();
  if (!session) return;
  if (counts(session).changes === 0 && session.sent === null) store.leave();
  else store.update({ dialog: 'review' });
}
