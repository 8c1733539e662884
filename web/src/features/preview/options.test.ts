import { describe, expect, it } from 'vitest';

import { lostOf, namesOf, onlyOf, withMapping, withNull, withReading, withSaid, withType } from './options';

describe('options of a preview', () => {
  it('keep what is said of columns only while the columns keep their names', () => {
    const said = { types: { a: 'text' as const }, nulls: { a: '-' }, mapping: { a: null } };
    expect(withReading(said, { footer: 2 })).toEqual({ ...said, footer: 2 });
    expect(withReading(said, { delimiter: ';' })).toEqual({ delimiter: ';', types: {}, nulls: {}, mapping: {} });
  });

  it('are said again of the columns that a new reading still has', () => {
    const said = { types: { a: 'text' as const, b: 'date' as const }, nulls: { a: '-' }, mapping: { c: null } };
    const lost = lostOf(null, said, withReading(said, { encoding: 'utf-8' }));
    expect(namesOf(lost)).toEqual(['a', 'b', 'c']);
    expect(namesOf(lostOf(lost, {}, said))).toEqual([]);
    const again = onlyOf(lost, ['a', 'c', 'd']);
    expect(again).toEqual({ types: { a: 'text' }, nulls: { a: '-' }, mapping: { c: null } });
    expect(withSaid({ encoding: 'utf-8', types: { a: 'date' } }, again)).toEqual({ encoding: 'utf-8', types: { a: 'date' }, nulls: { a: '-' }, mapping: { c: null } });
  });

  it('never say of the header what contradicts itself', () => {
    expect(withReading({ header: false }, { header_rows: 2 })).toMatchObject({ header: null, header_rows: 2 });
  });

  it('forget the sheet with the file of the archive', () => {
    expect(withReading({ sheet: 'May' }, { member: 'b.xlsx' })).toMatchObject({ member: 'b.xlsx', sheet: null });
  });

  it('are taken back one by one', () => {
    const typed = withType(withType({}, 'a', 'text'), 'b', 'date');
    expect(typed.types).toEqual({ a: 'text', b: 'date' });
    expect(withType(typed, 'a', undefined).types).toEqual({ b: 'date' });
    expect(withNull({ nulls: { a: '-' } }, 'a', '').nulls).toEqual({ a: '' });
  });

  it('say nothing of a column that is left out', () => {
    expect(withMapping({ types: { a: 'date', b: 'date' }, nulls: { a: '-' } }, 'a', null)).toEqual({ mapping: { a: null }, types: { b: 'date' }, nulls: {} });
    expect(withMapping({ types: { a: 'date' }, mapping: { a: null } }, 'a', undefined)).toEqual({ mapping: {}, types: { a: 'date' } });
  });
});
