// The one way to the API: typed by the OpenAPI document, session kept fresh, every failure an ApiProblem or OfflineError.
import createClient from 'openapi-fetch';

import { ApiProblem, OfflineError, problemOf } from './problem';
import type { paths } from './schema';
import { fetchWithSession } from './session';

export const api = createClient<paths>({ baseUrl: window.location.origin, fetch: fetchWithSession, credentials: 'same-origin' });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of an answer; throws what went wrong. */
export async function unwrap<T>(answer: Promise<Answer<T>>): Promise<T> {
  let got: Answer<T>;
  try {
    got = await answer;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw new OfflineError(cause);
  }
  if (!got.response.ok) {
    throw new ApiProblem(problemOf(got.response.status, got.error, got.response.headers.get('x-request-id')));
  }
  return got.data as T;
}
