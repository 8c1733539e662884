import { TriangleAlert } from 'lucide-react';

import { Button } from '@/components/button';
import { Copyable } from '@/components/copyable';
import { Dialog, DialogBody, DialogFoot } from '@/components/dialog';
import type { HookWithKey } from '@/lib/api/types';
import { exactTime } from '@/lib/format';

import { signCommand } from '../commands';

/** The only time that a key is shown. */
export function KeyDialog({ made, onClose }: { made: HookWithKey; onClose: () => void }) {
  return (
    <Dialog title={`The key of ${made.name}`} isOpen onClose={onClose} stays wide>
      <DialogBody>
        <div className="notice warn">
          <TriangleAlert size={16} aria-hidden />
          <span>Copy the key now: it is not shown again. Whoever has it can send rows.</span>
        </div>
        <Copyable text={made.secret} what="the key" />
        {made.former_key_until ? <p className="small faint">The key before it is good until {exactTime(made.former_key_until)}.</p> : null}
        <p>Messages are signed as <span className="mono">standardwebhooks.com</span> says; most languages have a library for it. By hand:</p>
        <Copyable text={signCommand(made.url)} what="the commands" />
      </DialogBody>
      <DialogFoot>
        <Button look="primary" onPress={onClose}>I have the key</Button>
      </DialogFoot>
    </Dialog>
  );
}
