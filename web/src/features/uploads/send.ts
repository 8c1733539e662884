// Sends bytes to presigned URLs. XMLHttpRequest, because fetch does not say how much of a body has left.
import { ApiProblem, OfflineError, problemOf } from '@/lib/api/problem';
import type { Link } from '@/lib/api/types';

/** What the storage answers to a piece of a file: its ETag. */
export function put(body: Blob, to: Pick<Link, 'url' | 'headers'>, onSent: (bytes: number) => void, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new DOMException('stopped', 'AbortError'));
      return;
    }
    const request = new XMLHttpRequest();
    const abort = (): void => request.abort();
    request.open('PUT', to.url);
    for (const [name, value] of Object.entries(to.headers)) {
      // The browser sets these itself and forbids us to.
      if (!/^(host|content-length)$/i.test(name)) request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => onSent(event.loaded);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) {
        onSent(body.size);
        resolve(request.getResponseHeader('etag') ?? '');
      } else {
        const detail = `The storage refused the file (${request.status}). Nothing was imported. Send it again.`;
        reject(new ApiProblem({ ...problemOf(request.status, null, null), title: 'The file was not sent', detail }));
      }
    };
    request.onerror = () => reject(new OfflineError());
    request.onabort = () => reject(new DOMException('stopped', 'AbortError'));
    request.onloadend = () => signal.removeEventListener('abort', abort);
    signal.addEventListener('abort', abort);
    request.send(body);
  });
}
