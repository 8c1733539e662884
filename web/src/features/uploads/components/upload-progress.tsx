import './uploads.css';

import { Check } from 'lucide-react';

import { Progress } from '@/components/progress';
import { bytes, count, duration, plural } from '@/lib/format';

import { fraction, paceOf, type Stage } from '../upload-state';
import { stage, type Tracked } from '../upload-store';

const LABELS: readonly { label: string; stages: readonly Stage[] }[] = [
  { label: 'Sending', stages: ['sending', 'paused', 'waiting'] },
  { label: 'Reading', stages: ['analysing'] },
  { label: 'Writing', stages: ['loading'] },
  { label: 'Waiting for you', stages: ['confirming'] },
  { label: 'Publishing', stages: ['publishing'] },
];

/** The word that the eye has for it. */
const wordOf = (now: Stage): string => LABELS.find(({ stages }) => stages.includes(now))?.label ?? now;

function Steps({ now, asks }: { now: Stage; asks: boolean }) {
  const steps = LABELS.filter(({ stages }) => asks || !stages.includes('confirming'));
  const at = steps.findIndex(({ stages }) => stages.includes(now));
  return (
    <ol className="steps">
      {steps.map(({ label }, i) => (
        <li key={label} className={i === at ? 'on' : i < at ? 'done' : ''} aria-current={i === at ? 'step' : undefined}>
          {i > 0 ? <span aria-hidden>→ </span> : null}
          {label}
          {i < at ? <Check size={11} aria-label="done" /> : null}
        </li>
      ))}
    </ol>
  );
}

function PaceLine({ item, now }: { item: Tracked; now: Stage }) {
  if (now === 'waiting') return <span className="small faint">Sent. Waiting for the reading to begin…</span>;
  if (now === 'confirming') return <span className="small faint">Nothing is imported until you say so.</span>;
  const pace = paceOf(now, item.upload, item.sending, item.samples);
  if (!pace) return null;
  const inRows = pace.unit === 'rows';
  const show = inRows ? count : bytes;
  const parts = [
    `${item.sending?.checking ? 'Checking the file: ' : ''}${show(pace.done)} of ${show(pace.all)}${inRows ? ' rows' : ''}`,
    pace.rows ? plural(pace.rows.found, 'row') : null,
    pace.rows?.perSecond == null ? null : `${count(pace.rows.perSecond)} rows/s`,
    pace.perSecond === null || pace.rows?.perSecond != null ? null : inRows ? `${count(Math.round(pace.perSecond))} rows/s` : `${bytes(pace.perSecond)}/s`,
    pace.secondsLeft === null || pace.secondsLeft <= 0 ? null : `${duration(pace.secondsLeft)} left`,
  ];
  return <span className="small faint">{parts.filter((part) => part !== null).join(' · ')}</span>;
}

/** Which stage a file is in, how far, how fast and how long still. */
export function UploadProgress({ item }: { item: Tracked }) {
  const now = stage(item);
  const part = item.upload ? fraction(now, item.upload, item.sending) : item.sending ? item.sending.sent / Math.max(1, item.sending.total) : null;
  return (
    <>
      <Steps now={now} asks={item.upload?.confirm === 'ask'} />
      {now === 'confirming' ? null : <Progress label={`${item.fileName}: ${wordOf(now)}`} value={part} />}
      {item.offline ? <span className="small faint">Gridkeep cannot be reached; it goes on by itself.</span> : <PaceLine item={item} now={now} />}
    </>
  );
}
