// The states every view has beside its content: loading, empty, failed.
import { CircleAlert, Ghost, Lock, RotateCw, WifiOff } from 'lucide-react';
import type { ReactNode } from 'react';

import { ApiProblem, codeOf, isTransient, OFFLINE, reasonOf } from '@/lib/api/problem';

import { Button } from './button';

interface EmptyProps {
  icon: ReactNode;
  title: string;
  children: ReactNode;
  actions?: ReactNode;
}

export function Empty({ icon, title, children, actions }: EmptyProps) {
  return (
    <div className="state">
      {icon}
      <h2>{title}</h2>
      <p>{children}</p>
      {actions ? <div className="actions">{actions}</div> : null}
    </div>
  );
}

const HINTS: Record<string, string> = {
  [OFFLINE]: 'Check your connection. Nothing was lost; it goes on from here.',
  unavailable: 'It is usually back within a minute. Nothing was lost.',
  internal: 'Try again. If it stays, tell your administrator the request id below.',
  rate_limited: 'Wait a moment, then try again.',
  not_found: 'It may have been deleted, or it was never shared with you. Whoever owns it can share it.',
  forbidden: 'Ask an owner of the dataset for the role you need.',
  gone: 'Choose a newer version from History.',
};

const ICONS: Record<string, ReactNode> = {
  [OFFLINE]: <WifiOff size={28} aria-hidden />,
  not_found: <Ghost size={28} aria-hidden />,
  forbidden: <Lock size={28} aria-hidden />,
};

interface FailedProps {
  error: unknown;
  /** What could not be done: "The datasets could not be read". */
  what: string;
  onRetry?: () => void;
  actions?: ReactNode;
}

/** What failed, why, and what to do; the request id in small. */
export function Failed({ error, what, onRetry, actions }: FailedProps) {
  const code = codeOf(error);
  const problem = error instanceof ApiProblem ? error.problem : null;
  const why = code === OFFLINE || problem ? reasonOf(error) : null;
  return (
    <div className="state" role="alert">
      {ICONS[code] ?? <CircleAlert size={28} aria-hidden />}
      <h2>{code === 'not_found' ? 'Not found' : what}</h2>
      {why ? <p>{why}</p> : null}
      {HINTS[code] ? <p>{HINTS[code]}</p> : null}
      <div className="actions">
        {onRetry && (isTransient(error) || !problem) ? (
          <Button onPress={onRetry}>
            <RotateCw size={14} aria-hidden /> Try again
          </Button>
        ) : null}
        {actions}
      </div>
      {problem?.request_id ? <p className="small faint mono">Request {problem.request_id}</p> : null}
    </div>
  );
}

/** Bars in the place of lines; they appear after 150 ms only. */
export function Skeleton({ lines = 6 }: { lines?: number }) {
  return (
    <div className="stack" role="status" aria-label="Loading" style={{ padding: 16, gap: 16 }}>
      {Array.from({ length: lines }, (_, i) => (
        <div key={i} className="skeleton" style={{ width: `${90 - ((i * 37) % 45)}%` }} />
      ))}
    </div>
  );
}

/** A problem inside a form. */
export function ProblemNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const problem = error instanceof ApiProblem ? error.problem : null;
  return (
    <div className="notice bad" role="alert">
      <CircleAlert size={16} aria-hidden />
      <div className="grow">
        {reasonOf(error)}
        {problem?.request_id ? <div className="small mono">Request {problem.request_id}</div> : null}
      </div>
      {onRetry ? <Button size="tiny" onPress={onRetry}><RotateCw size={13} aria-hidden /> Try again</Button> : null}
    </div>
  );
}
