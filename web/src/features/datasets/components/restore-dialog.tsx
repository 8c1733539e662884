import { useQuery } from '@tanstack/react-query';
import { RotateCcw } from 'lucide-react';

import { Button } from '@/components/button';
import { Dialog, DialogBody, DialogFoot } from '@/components/dialog';
import { ProblemNotice } from '@/components/states';
import { diffCountsQuery } from '@/features/compare/api';
import type { Dataset } from '@/lib/api/types';

import { restoreEffect } from '../restore-effect';
import { useRestore } from '../use-restore';

interface RestoreDialogProps {
  dataset: Dataset;
  version: number;
  onClose: () => void;
  onRestored?: () => void;
}

export function RestoreDialog({ dataset, version, onClose, onRestored }: RestoreDialogProps) {
  const counts = useQuery(diffCountsQuery(dataset.id, dataset.version, version));
  const restore = useRestore(dataset);
  const run = (): void =>
    restore.mutate(version, {
      onSuccess: () => {
        onClose();
        onRestored?.();
      },
    });
  return (
    <Dialog title={`Restore v${version}?`} isOpen onClose={onClose} alert>
      <DialogBody>
        <p>
          Restores v{version} of {dataset.name} as a new version. <span role="status">{counts.data ? restoreEffect(counts.data) : counts.isError ? '' : 'Counting the rows that change …'}</span>{' '}
          v{dataset.version} stays in History, and you can undo it from there.
        </p>
        {restore.isError ? <ProblemNotice error={restore.error} /> : null}
      </DialogBody>
      <DialogFoot>
        <Button look="quiet" onPress={onClose}>Cancel</Button>
        <Button look="primary" onPress={run} isDisabled={restore.isPending}>
          <RotateCcw size={14} aria-hidden /> Restore v{version}
        </Button>
      </DialogFoot>
    </Dialog>
  );
}
