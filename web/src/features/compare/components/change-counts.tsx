import '../compare.css';

import { count } from '@/lib/format';

import type { ChangeKind } from '../column-changes';

export const SIGNS: Record<ChangeKind, string> = { added: '+', removed: '−', changed: '±' };

/** A sign, a number and a word: never by colour alone. */
export function ChangeCount({ kind, n, word }: { kind: ChangeKind; n: number; word: string }) {
  return (
    <span className={`change-count ${n === 0 ? 'none' : kind}`}>
      <span aria-hidden>{SIGNS[kind]}</span> <b>{count(n)}</b> {word}
    </span>
  );
}
