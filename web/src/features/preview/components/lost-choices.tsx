import { RotateCcw, X } from 'lucide-react';

import { Button, IconButton } from '@/components/button';
import type { Options, Plan } from '@/lib/api/types';
import { plural } from '@/lib/format';

import { fileColumns } from '../columns';
import { lostOf, namesOf, onlyOf, type Said } from '../options';

interface LostChoicesProps {
  /** What a new reading of the file took back. */
  lost: Said | null;
  options: Options;
  /** Null until the file is read so. */
  plan: Plan | null;
  /** Whether the dataset's columns stay; else none of the file's goes to one of them. */
  keeps: boolean;
  isLocked: boolean;
  onAgain: (said: Said) => void;
  onForget: () => void;
}

/** What was chosen of columns holds only while they keep their names: it is told, and chosen again where they did. */
export function LostChoices({ lost, options, plan, keeps, isLocked, onAgain, onForget }: LostChoicesProps) {
  const open = lost && lostOf(keeps ? lost : { ...lost, mapping: {} }, {}, options);
  const columns = open ? namesOf(open).length : 0;
  if (!open || columns === 0) return null;
  const again = onlyOf(open, fileColumns(plan, {}).map(({ file }) => file));
  const kept = namesOf(again).length;
  return (
    <div className="notice" role="status">
      <RotateCcw size={15} aria-hidden />
      <span className="grow">
        The file is read otherwise, so what you chose of {plural(columns, 'column')} was taken back{plan === null || kept === columns ? '' : kept === 0 ? ': the file has none of these names any more' : `; ${plural(kept, 'column')} of the same name can have it again`}.
      </span>
      {kept > 0 ? <Button size="tiny" isDisabled={isLocked} onPress={() => onAgain(again)}>Choose it again</Button> : null}
      <IconButton tiny label="Put away" onPress={onForget}><X size={14} aria-hidden /></IconButton>
    </div>
  );
}
