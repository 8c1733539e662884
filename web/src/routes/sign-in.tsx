import { CircleAlert, LogIn } from 'lucide-react';

import { signInUrl } from '@/features/session/api';

const ERRORS: Record<string, string> = {
  denied: 'Signing in was cancelled at the provider. Try again whenever you like.',
  expired: 'That took longer than ten minutes, so it was stopped for your safety. Sign in again.',
  not_allowed: 'This address is not allowed here. Sign in with your work address, or ask your administrator to allow it.',
  unverified: 'The provider has not verified this address. Verify it there, then sign in again.',
  unavailable: 'The sign-in provider does not answer. Try again in a minute.',
  failed: 'Signing in did not work. Try again; if it stays, tell your administrator.',
};

interface SignInPageProps {
  return_to?: string;
  error?: string;
  request_id?: string;
}

/** Only a path of our own is handed on. */
const ownPath = (path: string | undefined): string => (path?.startsWith('/') && !path.startsWith('//') && !path.startsWith('/sign-in') ? path : '/');

export function SignInPage({ return_to, error, request_id }: SignInPageProps) {
  return (
    <main className="signin">
      <div className="card">
        <div className="row">
          <img src="/favicon.svg" alt="" width={32} height={32} />
          <h1>Gridkeep</h1>
        </div>
        <p className="faint">{return_to && return_to !== '/' ? 'Sign in to go on where you were.' : 'Sign in to see your datasets.'}</p>
        {error ? (
          <div className="notice bad" role="alert">
            <CircleAlert size={16} aria-hidden />
            <div>
              {ERRORS[error] ?? ERRORS.failed}
              {request_id ? <div className="small mono">Request {request_id}</div> : null}
            </div>
          </div>
        ) : null}
        <a className="btn primary large" href={signInUrl(ownPath(return_to))}>
          <LogIn size={16} aria-hidden /> Sign in
        </a>
      </div>
    </main>
  );
}
