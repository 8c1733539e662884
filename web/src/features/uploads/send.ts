// Sends a file's bytes to the presigned URL. XMLHttpRequest, because fetch does not say how much of a body has left.
import { ApiProblem, OfflineError, problemOf } from '@/lib/api/problem';
import type { CreatedUpload } from '@/lib/api/types';

/** Larger files are sent without a checksum of ours: the browser's digest needs the whole file in memory. */
const CHECKSUM_BYTES_MAX = 64 * 1024 * 1024;

export async function sha256Of(file: File): Promise<string | null> {
  if (file.size > CHECKSUM_BYTES_MAX || !('subtle' in crypto)) return null;
  const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function putFile(file: File, to: CreatedUpload, onSent: (bytes: number) => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(to.method, to.url);
    for (const [name, value] of Object.entries(to.headers)) {
      // The browser sets these itself and forbids us to.
      if (!/^(host|content-length)$/i.test(name)) request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => onSent(event.loaded);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) {
        onSent(file.size);
        resolve();
      } else {
        const detail = `The storage refused the file (${request.status}). Nothing was imported. Send it again.`;
        reject(new ApiProblem({ ...problemOf(request.status, null, null), title: 'The file was not sent', detail }));
      }
    };
    request.onerror = () => reject(new OfflineError());
    request.onabort = () => reject(new DOMException('cancelled', 'AbortError'));
    signal.addEventListener('abort', () => request.abort());
    request.send(file);
  });
}
