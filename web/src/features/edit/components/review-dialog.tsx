import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useId, useState } from 'react';

import { Button } from '@/components/button';
import { Dialog, DialogBody, DialogFoot } from '@/components/dialog';

import { publish } from '../publish';
import { counts, type Session } from '../session';
import type { SessionState, SessionStore } from '../session-store';
import { changesIn } from '../words';
import { ChangeList } from './change-list';
import { FailureNote } from './failure-note';

const MESSAGE_MAX = 2000;

/** What will be published, and what of it: the way out of a session. */
export function ReviewDialog({ store, state, session }: { store: SessionStore; state: SessionState; session: Session }) {
  const client = useQueryClient();
  const [message, setMessage] = useState(session.message);
  const id = useId();
  const { changes } = counts(session);
  const locked = session.sent !== null;
  useEffect(() => {
    if (message === session.message) return;
    const timer = setTimeout(() => store.dispatch({ type: 'message', text: message }), 300);
    return () => clearTimeout(timer);
  }, [store, message, session.message]);

  const close = (): void => {
    store.dispatch({ type: 'message', text: message });
    store.update({ dialog: null });
  };
  const keep = (): void => {
    store.dispatch({ type: 'message', text: message });
    void publish(store, client);
  };

  return (
    <Dialog title={changesIn(session)} isOpen onClose={close} wide>
      <DialogBody>
        <div className="field">
          <label htmlFor={id}>What you changed, for History</label>
          <textarea
            // On a phone the keyboard would cover the changes.
            autoFocus={window.matchMedia('(pointer: fine)').matches}
            id={id} className="area" rows={2} maxLength={MESSAGE_MAX} value={message} readOnly={locked} placeholder="A message, such as: Corrected the tail numbers of May"
            onChange={(event) => setMessage(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && changes > 0) keep();
            }}
          />
        </div>
        <FailureNote store={store} state={state} session={session} />
        {changes === 0 ? <p className="faint">Nothing is left to publish.</p> : <ChangeList store={store} session={session} bad={state.bad} />}
      </DialogBody>
      <DialogFoot>
        <Button look="quiet" onPress={() => store.discard()} isDisabled={state.publishing || locked}>
          Discard changes
        </Button>
        <span className="grow" />
        <Button onPress={close}>Go on editing</Button>
        <Button look="primary" onPress={changes === 0 && !locked ? () => store.leave() : keep} isDisabled={state.publishing}>
          {changes === 0 && !locked ? 'Leave' : state.publishing ? 'Publishing…' : 'Keep and publish'}
        </Button>
      </DialogFoot>
    </Dialog>
  );
}
