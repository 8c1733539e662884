// What a failed request becomes: RFC 9457 from the API, or our own words where there was no answer at all.
import type { Problem } from './types';

export class ApiProblem extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
    this.name = 'ApiProblem';
  }
}

/** The code of a problem that never reached the API. */
export const OFFLINE = 'offline';

export class OfflineError extends Error {
  constructor(cause?: unknown) {
    super('Gridkeep cannot be reached.', { cause });
    this.name = 'OfflineError';
  }
}

export function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'code' in value && 'detail' in value && 'title' in value;
}

/** The problem in a body, or one made of the status where something between us and the API answered in its own way. */
export function problemOf(status: number, body: unknown, requestId: string | null): Problem {
  if (isProblem(body)) return { ...body, request_id: body.request_id ?? requestId };
  return {
    type: 'about:blank',
    title: 'Something went wrong on our side',
    status,
    code: status === 503 || status === 502 || status === 504 ? 'unavailable' : 'internal',
    detail: 'The answer could not be read. Nothing was changed by it that a reload would not show.',
    request_id: requestId,
  };
}

export function codeOf(error: unknown): string {
  if (error instanceof ApiProblem) return error.problem.code;
  return error instanceof OfflineError ? OFFLINE : 'internal';
}

/** Why, in a sentence. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : 'Something went wrong.');

/** Whether asking again may help without anybody changing anything. */
export function isTransient(error: unknown): boolean {
  return ['unavailable', 'internal', 'rate_limited', OFFLINE].includes(codeOf(error));
}
