// Restoring a version, and the way back: the head before it is restored in turn.
import { useMutation, useQueryClient } from '@tanstack/react-query';

import { reasonOf } from '@/lib/api/problem';
import type { Dataset } from '@/lib/api/types';
import { notify } from '@/lib/notices';

import { datasetQuery, restoreVersion } from './api';

export function useRestore(dataset: Dataset) {
  const client = useQueryClient();
  const { id, name } = dataset;
  const refresh = (): Promise<unknown> =>
    Promise.all([client.invalidateQueries({ queryKey: ['dataset', id] }), client.invalidateQueries({ queryKey: ['datasets'] })]);

  const undo = async (restored: number, made: number): Promise<void> => {
    try {
      const head = await client.query({ ...datasetQuery(id), staleTime: 0 });
      // A restore takes everything since with it; what somebody else did is not ours to undo unseen.
      if (head.version !== made) {
        notify({ bad: true, text: `${name} is at v${head.version} by now, so nothing was undone. Restore v${made - 1} from History if you still want it.` });
        return;
      }
      const undone = await restoreVersion(id, made - 1, `Undo the restore of v${restored}`);
      await refresh();
      notify({ text: `Undone: v${undone.version} of ${name} equals v${made - 1}.` });
    } catch (error) {
      notify({ bad: true, text: `The restore could not be undone. ${reasonOf(error)} v${made - 1} stays in History.` });
    }
  };

  return useMutation({
    mutationFn: (version: number) => restoreVersion(id, version, `Restore v${version}`),
    onSuccess: async ({ version: head, made }, restored) => {
      await refresh();
      notify(
        made
          ? { text: `v${restored} of ${name} is restored as v${head}.`, undo: () => void undo(restored, head) }
          : { text: `Nothing changed: v${head} of ${name} equals v${restored} already.` },
      );
    },
  });
}
