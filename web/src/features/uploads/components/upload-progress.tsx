import './uploads.css';

import { Check } from 'lucide-react';

import { Progress } from '@/components/progress';
import { bytes, count, duration } from '@/lib/format';

import { fraction, measure, rate, secondsLeft, type Stage } from '../upload-state';
import { stage, type Tracked } from '../upload-store';

const LABELS: readonly { label: string; stages: readonly Stage[] }[] = [
  { label: 'Sending', stages: ['sending', 'paused', 'waiting'] },
  { label: 'Reading', stages: ['analysing'] },
  { label: 'Writing', stages: ['loading'] },
  { label: 'Waiting for you', stages: ['confirming'] },
  { label: 'Publishing', stages: ['publishing'] },
];

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

function Pace({ item, now }: { item: Tracked; now: Stage }) {
  const done = item.upload ? measure(now, item.upload, item.sending) : item.sending && { done: item.sending.sent, all: item.sending.total, unit: 'bytes' as const };
  if (now === 'waiting') return <span className="small faint">Sent. Waiting for the reading to begin…</span>;
  if (now === 'confirming') return <span className="small faint">Nothing is imported until you say so.</span>;
  if (!done) return null;
  const show = done.unit === 'bytes' ? bytes : count;
  const perSecond = rate(item.samples);
  const left = secondsLeft(done.done, done.all, perSecond);
  return (
    <span className="small faint">
      {item.sending?.checking ? 'Checking the file: ' : ''}
      {show(done.done)} of {show(done.all)}
      {done.unit === 'rows' ? ' rows' : ''}
      {perSecond === null ? '' : done.unit === 'rows' ? ` · ${count(Math.round(perSecond))} rows/s` : ` · ${bytes(perSecond)}/s`}
      {left === null || left <= 0 ? '' : ` · ${duration(left)} left`}
    </span>
  );
}

/** Which stage a file is in, how far, how fast and how long still. */
export function UploadProgress({ item }: { item: Tracked }) {
  const now = stage(item);
  const part = item.upload ? fraction(now, item.upload, item.sending) : item.sending ? item.sending.sent / Math.max(1, item.sending.total) : null;
  return (
    <>
      <Steps now={now} asks={item.upload?.confirm === 'ask'} />
      {now === 'confirming' ? null : <Progress label={`${item.fileName}: ${now}`} value={part} />}
      {item.offline ? <span className="small faint">Gridkeep cannot be reached; it goes on by itself.</span> : <Pace item={item} now={now} />}
    </>
  );
}
