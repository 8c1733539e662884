// The records on screen, what was chosen and changed of them, and what is done with them.
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useMemo, useRef, useState } from 'react';

import type { EditValue } from '@/features/edit/session';
import { ApiProblem, reasonOf } from '@/lib/api/problem';
import type { Column, Dataset, QuarantinedRow, Resubmission } from '@/lib/api/types';
import { plural } from '@/lib/format';
import { notify } from '@/lib/notices';

import { discard, quarantineQuery, type RecordFilter, reopen, resubmit } from './api';
import { isMendable, type Mends, type Refusals, refusalsOf, resubmissionOf, withCell, without, withRaw } from './mended';

const NO_ROWS: QuarantinedRow[] = [];

export function useQuarantine(dataset: Dataset, filter: RecordFilter) {
  const client = useQueryClient();
  const { id, columns } = dataset;
  const list = useInfiniteQuery(quarantineQuery(id, filter));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [mends, setMends] = useState<Mends>(new Map());
  const [refusals, setRefusals] = useState<Refusals>(new Map());
  const sent = useRef({ body: '', key: '' });

  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.rows) ?? NO_ROWS, [list.data]);
  // One that went out of sight is not acted on.
  const selected = useMemo(() => rows.filter((row) => chosen.has(row.id)), [rows, chosen]);

  const refresh = (): Promise<unknown> => Promise.all([client.invalidateQueries({ queryKey: ['dataset', id] }), client.invalidateQueries({ queryKey: ['datasets'] })]);
  const leave = (ids: readonly string[]): void => {
    setChosen((before) => new Set([...before].filter((one) => !ids.includes(one))));
    setMends((before) => without(before, ids));
    setRefusals((before) => new Map([...before].filter(([one]) => !ids.includes(one))));
  };
  const changed = (row: QuarantinedRow, column: Column | null): void => {
    setChosen((before) => new Set(before).add(row.id));
    setRefusals((before) => {
      const ofRow = new Map(before.get(row.id));
      ofRow.delete(null);
      if (column) ofRow.delete(column.id);
      return new Map(before).set(row.id, column ? ofRow : new Map());
    });
  };

  /** The same again, after an answer that was not heard, is the same request. */
  const keyOf = (body: Resubmission): string => {
    const text = JSON.stringify(body);
    if (sent.current.body !== text) sent.current = { body: text, key: crypto.randomUUID() };
    return sent.current.key;
  };
  const resubmission = useMutation({
    mutationFn: (records: readonly QuarantinedRow[]) => {
      const body = resubmissionOf(records, mends, columns);
      return resubmit(id, keyOf(body), body);
    },
    onSuccess: async ({ version }, records) => {
      leave(records.map((row) => row.id));
      notify({ text: `${plural(records.length, 'row')} from quarantine ${records.length === 1 ? 'is' : 'are'} in v${version} of ${dataset.name}.` });
      await refresh();
    },
    onError: (error) => {
      const problem = error instanceof ApiProblem ? error.problem : null;
      setRefusals(refusalsOf(problem?.errors ?? []));
      if (problem?.code === 'conflict') void refresh();
    },
  });

  const backwards = async (ids: string[]): Promise<void> => {
    try {
      const { rows: opened } = await reopen(id, ids);
      await refresh();
      notify({ text: `${plural(opened, 'record')} of ${dataset.name} ${opened === 1 ? 'is' : 'are'} open again.` });
    } catch (error) {
      notify({ bad: true, text: `The records could not be reopened. ${reasonOf(error)}` });
    }
  };
  const discarding = useMutation({
    mutationFn: (ids: string[]) => discard(id, ids),
    onSuccess: async ({ rows: gone }, ids) => {
      leave(ids);
      notify({ text: `${plural(gone, 'record')} of ${dataset.name} ${gone === 1 ? 'is' : 'are'} discarded.`, undo: () => void backwards(ids) });
      await refresh();
    },
    onError: (error) => notify({ bad: true, text: `The records could not be discarded. ${reasonOf(error)}` }),
  });

  return {
    list,
    rows,
    total: list.data?.pages[0]?.total ?? 0,
    groups: list.data?.pages[0]?.groups ?? [],
    selected,
    chosen,
    mends,
    refusals,
    resubmission,
    discarding,
    choose: (ids: readonly string[], on: boolean) => setChosen((before) => new Set(on ? [...before, ...ids] : [...before].filter((one) => !ids.includes(one)))),
    setCell: (row: QuarantinedRow, column: Column, value: EditValue) => {
      setMends((before) => withCell(before, row, column.id, value));
      changed(row, column);
    },
    setRaw: (row: QuarantinedRow, raw: string) => {
      setMends((before) => withRaw(before, row, raw));
      changed(row, null);
    },
    revert: (row: QuarantinedRow) => setMends((before) => without(before, [row.id])),
    reopen: async (ids: string[]) => {
      leave(ids);
      await backwards(ids);
    },
    /** Of those that were chosen, the ones that can become rows. */
    mendable: selected.filter(isMendable),
  };
}

export type Quarantine = ReturnType<typeof useQuarantine>;
