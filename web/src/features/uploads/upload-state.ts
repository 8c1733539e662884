// What a card in the dock says: the stage, how far, how fast, how long still. Pure; `upload-store.ts` feeds it.
import type { Upload } from '@/lib/api/types';

export type Stage = 'sending' | 'paused' | 'waiting' | 'analysing' | 'confirming' | 'loading' | 'publishing' | 'published' | 'failed' | 'cancelled' | 'interrupted';

export interface Sample {
  at: number;
  value: number;
}

/** How fast, over the last few seconds; null until two samples are apart. */
export function rate(samples: readonly Sample[], windowMs = 5000): number | null {
  const last = samples.at(-1);
  if (!last) return null;
  const first = samples.find((sample) => sample.at >= last.at - windowMs);
  if (!first || last.at - first.at < 400 || last.value <= first.value) return null;
  return ((last.value - first.value) * 1000) / (last.at - first.at);
}

export function pushSample(samples: readonly Sample[], sample: Sample): Sample[] {
  const last = samples.at(-1);
  // A value that falls is a new stage or a new attempt: its rate starts anew.
  if (last && sample.value < last.value) return [sample];
  return [...samples.slice(-40), sample];
}

export interface Sending {
  /** The file is being read for its checksums; nothing has left yet. */
  checking?: boolean;
  sent: number;
  total: number;
}

export function stageOf(upload: Pick<Upload, 'state' | 'plan' | 'rows_written' | 'confirm' | 'confirmed'>, sending: Sending | null, sentElsewhere: boolean): Stage {
  switch (upload.state) {
    case 'created':
      if (sending) return sending.sent < sending.total ? 'sending' : 'waiting';
      return sentElsewhere ? 'sending' : 'interrupted';
    case 'uploaded':
      return 'waiting';
    case 'awaiting_confirmation':
      return 'confirming';
    case 'loading':
      // Of a preview the differences are worked out once all is written; the publishing follows the confirmation.
      return (upload.confirm === 'auto' || upload.confirmed) && upload.plan && upload.rows_written >= upload.plan.rows ? 'publishing' : 'loading';
    default:
      return upload.state;
  }
}

/** Nothing will change any more. */
export const isOver = ({ state }: Pick<Upload, 'state'>): boolean => state === 'published' || state === 'failed' || state === 'cancelled';

export const isFinal = (stage: Stage): boolean => stage === 'published' || stage === 'failed' || stage === 'cancelled';

/** Part done of the stage, 0 to 1; null when it cannot be told. */
export function fraction(stage: Stage, upload: Upload, sending: Sending | null): number | null {
  const part = (done: number, all: number): number | null => (all > 0 ? Math.min(1, done / all) : null);
  if (stage === 'sending' || stage === 'paused') return sending ? part(sending.sent, sending.total) : null;
  if (stage === 'analysing') return part(upload.bytes_read, upload.bytes_total);
  if (stage === 'loading') return part(upload.rows_written, upload.plan?.rows ?? 0);
  return stage === 'published' ? 1 : null;
}

/** What is counted in a stage: bytes while sending and analysing, rows while loading. */
export function measure(stage: Stage, upload: Upload, sending: Sending | null): { done: number; all: number; unit: 'bytes' | 'rows' } | null {
  if ((stage === 'sending' || stage === 'paused') && sending) return { done: sending.sent, all: sending.total, unit: 'bytes' };
  if (stage === 'analysing') return { done: upload.bytes_read, all: upload.bytes_total, unit: 'bytes' };
  if (stage === 'loading') return { done: upload.rows_written, all: upload.plan?.rows ?? 0, unit: 'rows' };
  return null;
}

export function secondsLeft(done: number, all: number, perSecond: number | null): number | null {
  return perSecond === null || perSecond <= 0 || all < done ? null : (all - done) / perSecond;
}

export interface Pace {
  done: number;
  all: number;
  unit: 'bytes' | 'rows';
  /** In the same unit. */
  perSecond: number | null;
  /** Of a reading, which is measured in bytes: rows so far, and how many a second. */
  rows: { found: number; perSecond: number | null } | null;
  secondsLeft: number | null;
}

/** How far and how fast a stage is: as the server knows it, else as the samples of this page show. */
export function paceOf(stage: Stage, upload: Upload | null, sending: Sending | null, samples: readonly Sample[]): Pace | null {
  const measured = upload ? measure(stage, upload, sending) : sending && { done: sending.sent, all: sending.total, unit: 'bytes' as const };
  if (!measured) return null;
  const ours = rate(samples);
  const known = stage === 'analysing' || stage === 'loading' ? upload : null;
  return {
    ...measured,
    perSecond: (measured.unit === 'rows' ? known?.rows_per_second : null) ?? ours,
    rows: stage === 'analysing' && known && known.rows_read > 0 ? { found: known.rows_read, perSecond: known.rows_per_second ?? null } : null,
    secondsLeft: known?.seconds_left ?? secondsLeft(measured.done, measured.all, ours),
  };
}
