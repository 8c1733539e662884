import { useQueryClient } from '@tanstack/react-query';
import { ClipboardCopy, RotateCw, TriangleAlert } from 'lucide-react';
import { useState } from 'react';

import { Button } from '@/components/button';
import { toTsv } from '@/features/grid/selection';
import { ApiProblem, codeOf, OFFLINE } from '@/lib/api/problem';

import { publish } from '../publish';
import { changesAsTable, type Session } from '../session';
import type { SessionState, SessionStore } from '../session-store';
import { changesIn } from '../words';

export function CopyChanges({ session }: { session: Session }) {
  const [done, setDone] = useState<string | null>(null);
  const copy = (): void => {
    navigator.clipboard.writeText(toTsv(changesAsTable(session))).then(
      () => setDone('Copied'),
      () => setDone('Could not be copied'),
    );
  };
  return (
    <Button size="tiny" onPress={copy}>
      <ClipboardCopy size={13} aria-hidden /> <span aria-live="polite">{done ?? 'Copy the changes as TSV'}</span>
    </Button>
  );
}

/** Why publishing came to nothing, that nothing is lost, and what to do. */
export function FailureNote({ store, state, session }: { store: SessionStore; state: SessionState; session: Session }) {
  const client = useQueryClient();
  const { error, publishing } = state;
  if (publishing || (error === null && session.sent === null)) return null;
  const code = error === null ? null : codeOf(error);
  const again = (
    <Button size="tiny" onPress={() => void publish(store, client)}>
      <RotateCw size={13} aria-hidden /> Try again
    </Button>
  );
  const kept = `${changesIn(session)}, kept in this browser.`;
  const problem = error instanceof ApiProblem ? error.problem : null;
  const [text, action] =
    session.sent !== null
      ? [`${changesIn(session)}: sent, but no answer came. They are kept here; trying again finds out what became of them and cannot publish them twice.`, again]
      : code === OFFLINE || code === 'unavailable' || code === 'internal' || code === 'rate_limited'
        ? [`Gridkeep cannot be reached; nothing was published. ${kept}`, again]
        : code === 'forbidden' || code === 'not_found'
          ? [`You may not change this dataset any more, so nothing was published. ${kept} An owner can share it again.`, <CopyChanges key="copy" session={session} />]
          : [`Nothing was published: ${problem?.detail ?? 'something went wrong.'} ${kept}`, <CopyChanges key="copy" session={session} />];
  return (
    <div className="session-note bad" role="alert">
      <TriangleAlert size={15} aria-hidden />
      <span className="grow">
        {text}
        {problem?.request_id ? <span className="small mono"> Request {problem.request_id}</span> : null}
      </span>
      {action}
    </div>
  );
}
