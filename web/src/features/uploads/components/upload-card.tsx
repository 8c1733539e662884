import { Link } from '@tanstack/react-router';
import { CircleAlert, X } from 'lucide-react';

import { Button, IconButton } from '@/components/button';
import { ApiProblem, codeOf, reasonOf } from '@/lib/api/problem';
import { bytes, plural } from '@/lib/format';
import { notify } from '@/lib/notices';

import { chooseFiles } from '../drop-intent';
import { warningCount } from '../receipt-lines';
import { pickFiles } from '../pick-files';
import { cancel, dismiss, goOn, inParts, pause, stage, type Tracked } from '../upload-store';
import { isFinal } from '../upload-state';
import { FileTables } from './file-tables';
import { ReceiptLine } from './receipt';
import { UploadProgress } from './upload-progress';

function failure(item: Tracked): { title: string; detail: string; request: string | null } {
  const problem = item.upload?.problem ?? (item.error instanceof ApiProblem ? item.error.problem : null);
  if (problem) return { title: problem.title, detail: problem.detail, request: problem.request_id ?? null };
  return { title: 'The file was not sent', detail: 'The connection broke while sending. Nothing was imported. Send the file again.', request: null };
}

async function drop({ key, fileName }: Tracked): Promise<void> {
  try {
    await cancel(key);
  } catch (error) {
    // Of one that is over meanwhile the card tells.
    if (codeOf(error) !== 'conflict') notify({ text: `${fileName} was not cancelled. ${reasonOf(error)}`, bad: true });
  }
}

/** After a reload the page has the file no more; the server has the parts that were sent. */
function Interrupted({ item }: { item: Tracked }) {
  const { upload, kept, refused } = item;
  const large = upload !== null && inParts(upload);
  return (
    <>
      <div className="notice warn">
        <CircleAlert size={15} aria-hidden />
        <span>
          Sending stopped when the page was closed or reloaded. Nothing was imported.
          {large ? ` ${kept === null ? 'What was sent is kept' : `${bytes(kept)} of ${bytes(upload.bytes_total)} are kept`}: choose the same file to send the rest.` : ''}
        </span>
      </div>
      {refused ? (
        <div className="notice bad" role="alert">
          <CircleAlert size={15} aria-hidden />
          <span>{refused}</span>
        </div>
      ) : null}
      <div className="row">
        {large ? (
          <Button size="tiny" onPress={() => pickFiles(([file]) => void goOn(item.key, file))}>
            Choose the same file
          </Button>
        ) : (
          <Button size="tiny" onPress={() => chooseFiles(upload?.mode === 'new' ? null : (upload?.dataset_id ?? null))}>
            Choose the file again
          </Button>
        )}
      </div>
    </>
  );
}

export function UploadCard({ item }: { item: Tracked }) {
  const now = stage(item);
  const final = isFinal(now);
  const { upload } = item;
  const failed = now === 'failed' ? failure(item) : null;
  const tables = upload?.tables ?? [];
  // Of a file with several tables this is one; the others go on.
  const what = tables.length > 1 && upload?.table ? `${upload.table} of ${item.fileName}` : item.fileName;
  return (
    <li className="dock-card" data-stage={now} data-testid="upload-card" data-dataset={item.datasetName}>
      <div className="row">
        <span className="name cut grow" title={item.fileName}>
          {upload?.first != null ? what : item.fileName}
        </span>
        {now === 'sending' && upload && inParts(upload) && item.sending ? (
          <Button look="quiet" size="tiny" onPress={() => pause(item.key)} aria-label={`Pause ${item.fileName}`}>
            Pause
          </Button>
        ) : null}
        {now === 'paused' ? (
          <Button size="tiny" onPress={() => void goOn(item.key)} aria-label={`Go on with ${item.fileName}`}>
            Go on
          </Button>
        ) : null}
        {final ? (
          <IconButton label={`Put ${item.fileName} away`} tiny onPress={() => dismiss(item.key)}>
            <X size={14} aria-hidden />
          </IconButton>
        ) : (
          <Button look="quiet" size="tiny" onPress={() => void drop(item)} aria-label={tables.length > 1 ? `Cancel ${what}; its other tables go on` : `Cancel ${what}`}>
            {tables.length > 1 && upload?.table ? `Cancel ${upload.table}` : 'Cancel'}
          </Button>
        )}
        {now === 'confirming' ? (
          <IconButton label={`Put ${item.fileName} away; it keeps waiting in Uploads`} tiny onPress={() => dismiss(item.key)}>
            <X size={14} aria-hidden />
          </IconButton>
        ) : null}
      </div>
      {now === 'confirming' && upload ? (
        <span className="row small">
          <span className="badge warn">waiting for you</span>
          <Link to="/uploads/$id/preview" params={{ id: upload.id }}>
            Look at the preview
          </Link>
        </span>
      ) : null}
      {now === 'interrupted' ? <Interrupted item={item} /> : null}
      {now === 'paused' && item.held?.reason ? (
        <div className="notice warn" role="alert">
          <CircleAlert size={15} aria-hidden />
          <span>{item.held.reason}</span>
        </div>
      ) : null}
      {!final && now !== 'interrupted' && now !== 'confirming' ? <UploadProgress item={item} /> : null}
      {now === 'published' && upload ? (
        <>
          {tables.length > 1 ? <span className="small faint">{upload.table}</span> : null}
          {upload.receipt ? <ReceiptLine receipt={upload.receipt} /> : null}
          <div className="row small">
            {upload.version ? (
              <Link to="/datasets/$id" params={{ id: upload.dataset_id }} onClick={() => dismiss(item.key)}>
                Open {upload.dataset_name} v{upload.version}
              </Link>
            ) : null}
            <Link to="/uploads/$id" params={{ id: upload.id }}>
              Receipt{upload.receipt && warningCount(upload.receipt) > 0 ? ` · ${plural(warningCount(upload.receipt), 'warning')}` : ''}
            </Link>
          </div>
        </>
      ) : null}
      {failed ? (
        <div className="notice bad" role="alert">
          <CircleAlert size={15} aria-hidden />
          <div>
            <b>{failed.title}.</b> {failed.detail}
            {failed.request ? <div className="small mono">Request {failed.request}</div> : null}
          </div>
        </div>
      ) : null}
      {now === 'cancelled' ? <span className="small faint">{tables.length > 1 ? `${what} is cancelled. Nothing of it was imported.` : 'Cancelled. Nothing was imported.'}</span> : null}
      {tables.length > 1 && upload ? <FileTables fileName={item.fileName} tables={tables} current={upload.id} /> : null}
    </li>
  );
}
