// Keeps the session fresh: a 401 leads to one refresh, shared by every request of this tab and, by a lock, by all tabs.
// The refresh token rotates, so two refreshes with the same one would look like theft.

const REFRESHED_AT = 'gridkeep.refreshed-at';

type Listener = () => void;
const listeners = new Set<Listener>();
let inFlight: Promise<boolean> | null = null;

/** Called when the session has ended for good. */
export function onSignedOut(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

async function askForRefresh(since: number): Promise<boolean> {
  // Another tab did it while this one waited for the lock: its cookie is ours too.
  if (Number(localStorage.getItem(REFRESHED_AT) ?? 0) > since) return true;
  const answer = await fetch('/api/v1/auth/refresh', { method: 'POST', credentials: 'same-origin' });
  if (answer.ok) localStorage.setItem(REFRESHED_AT, String(Date.now()));
  // A server that is down has not ended the session.
  if (!answer.ok && answer.status >= 500) throw new TypeError(`refresh answered ${answer.status}`);
  return answer.ok;
}

/** Whether the session lives again. `since` is when the refused request was sent. */
export function refreshSession(since: number): Promise<boolean> {
  inFlight ??= withLock(() => askForRefresh(since)).finally(() => {
    inFlight = null;
  });
  return inFlight;
}

async function withLock(run: () => Promise<boolean>): Promise<boolean> {
  return 'locks' in navigator ? await navigator.locks.request('gridkeep-refresh', run) : run();
}

/** `fetch` that renews the session once when it has run out. */
export async function fetchWithSession(request: Request): Promise<Response> {
  const retry = request.clone();
  const sentAt = Date.now();
  const answer = await fetch(request);
  if (answer.status !== 401) return answer;
  if (await refreshSession(sentAt)) return fetch(retry);
  for (const listener of listeners) listener();
  return answer;
}
