import { describe, expect, it } from 'vitest';

import { added, type ColumnDraft, moved, nameError, toColumns } from './column-drafts';

const draft = (key: number, name: string): ColumnDraft => ({ key, name, type: 'text' });

describe('column drafts', () => {
  it('keep their keys when they move, and never get a key twice', () => {
    const drafts = [draft(0, 'a'), draft(1, 'b'), draft(2, 'c')];
    expect(moved(drafts, 2, -1).map(({ key }) => key)).toEqual([0, 2, 1]);
    expect(moved(drafts, 0, -1)).toEqual(drafts);
    expect(moved(drafts, 2, 1)).toEqual(drafts);
    expect(added([draft(4, 'a'), draft(1, 'b')]).at(-1)).toEqual({ key: 5, name: '', type: 'text' });
    expect(added([])).toEqual([{ key: 0, name: '', type: 'text' }]);
  });

  it('need names, each its own', () => {
    const drafts = [draft(0, 'a'), draft(1, ' a '), draft(2, '  ')];
    expect(drafts.map((_, at) => nameError(drafts, at))).toEqual([null, 'A column above has this name.', 'A column needs a name.']);
    expect(toColumns([draft(0, ' a ')])).toEqual([{ name: 'a', type: 'text' }]);
  });
});
