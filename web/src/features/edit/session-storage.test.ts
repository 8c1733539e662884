import { beforeEach, describe, expect, it } from 'vitest';

import { type Action, reduce, startSession } from './session';
import { SessionStorage } from './session-storage';

const columns = [{ id: 'col_1', name: 'name', type: 'text' as const }];
const change = (value: string): Action => ({ type: 'set', cells: [{ row: '1', column: 'col_1', before: 'a', after: value }], added: [{ col_1: value }] });

beforeEach(() => localStorage.clear());

describe('a session in the browser’s storage', () => {
  it('comes back after a reload, with its steps', () => {
    const storage = new SessionStorage('dst_1', 'usr_1');
    let session = startSession('dst_1', 3, columns, 10);
    storage.save(session);
    for (const action of [change('b'), change('c'), { type: 'undo' } as const]) {
      session = reduce(session, action);
      storage.append(action);
    }
    expect(new SessionStorage('dst_1', 'usr_1').restore()).toEqual(session);
    expect(new SessionStorage('dst_1', 'usr_2').restore()).toBeNull();
    expect(new SessionStorage('dst_2', 'usr_1').restore()).toBeNull();
  });

  it('goes on after a snapshot, and is forgotten at the end', () => {
    const storage = new SessionStorage('dst_1', 'usr_1');
    let session = reduce(startSession('dst_1', 3, columns, 10), change('b'));
    storage.save(session);
    session = reduce(session, change('c'));
    storage.append(change('c'));
    storage.save(session);
    expect(localStorage.length).toBe(1);
    session = reduce(session, change('d'));
    storage.append(change('d'));
    const again = new SessionStorage('dst_1', 'usr_1');
    expect(again.restore()).toEqual(session);
    again.clear();
    expect(localStorage.length).toBe(0);
  });

  it('writes one action for one change, however long the session is', () => {
    const storage = new SessionStorage('dst_1', 'usr_1');
    storage.save(reduce(startSession('dst_1', 3, columns, 10), { type: 'set', cells: Array.from({ length: 5000 }, (_, i) => ({ row: String(i), column: 'col_1', before: 'a', after: 'b' })) }));
    storage.append(change('c'));
    expect(localStorage.getItem('gridkeep.edit.dst_1.usr_1.1')?.length).toBeLessThan(200);
  });

  it('is not taken from a text that is none', () => {
    localStorage.setItem('gridkeep.edit.dst_1.usr_1', '{"format":0}');
    expect(new SessionStorage('dst_1', 'usr_1').restore()).toBeNull();
  });
});
