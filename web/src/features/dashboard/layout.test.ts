import { describe, expect, it } from 'vitest';

import { type Item, move, moved, pack, placeFor, resize, sizeFor } from './layout';

const card = (id: string, x: number, y: number, w: number, h: number): Item => ({ id, position: { x, y, w, h } });
const places = (items: readonly Item[]): Record<string, number[]> => Object.fromEntries(items.map(({ id, position: { x, y, w, h } }) => [id, [x, y, w, h]]));

const overlap = (items: readonly Item[]): boolean =>
  items.some((a, i) =>
    items.slice(i + 1).some(({ position: b }) => {
      const p = a.position;
      return p.x < b.x + b.w && b.x < p.x + p.w && p.y < b.y + b.h && b.y < p.y + p.h;
    }),
  );

describe('packing', () => {
  it('leaves no card over another and none in the air', () => {
    const packed = pack([card('a', 0, 0, 6, 2), card('b', 3, 1, 6, 2), card('c', 0, 9, 3, 1)]);
    expect(places(packed)).toEqual({ a: [0, 0, 6, 2], b: [3, 2, 6, 2], c: [0, 2, 3, 1] });
  });

  it('brings back what hangs over the edge', () => {
    expect(places(pack([card('a', 10, 0, 6, 2)]))).toEqual({ a: [6, 0, 6, 2] });
  });

  it('never lets cards overlap, whatever is done to them', () => {
    let items: Item[] = [card('a', 0, 0, 3, 2), card('b', 3, 0, 3, 2), card('c', 6, 0, 6, 4), card('d', 0, 2, 6, 4), card('e', 0, 6, 12, 3)];
    let seed = 7;
    const next = (n: number): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed % n;
    };
    for (let step = 0; step < 400; step += 1) {
      const id = 'abcde'[next(5)] ?? 'a';
      const direction = (['left', 'right', 'up', 'down'] as const)[next(4)] ?? 'up';
      items = next(2) === 0 ? move(items, id, direction) : resize(items, id, { w: next(3) - 1, h: next(3) - 1 });
      expect(overlap(items)).toBe(false);
      expect(items).toHaveLength(5);
      expect(items.every(({ position: { x, w, y } }) => x >= 0 && y >= 0 && x + w <= 12)).toBe(true);
    }
  });
});

describe('moving', () => {
  const row = [card('a', 0, 0, 6, 2), card('b', 6, 0, 6, 2), card('c', 0, 2, 12, 3)];

  it('changes places with the neighbour', () => {
    expect(places(move(row, 'a', 'right'))).toMatchObject({ a: [6, 0, 6, 2], b: [0, 0, 6, 2] });
    expect(places(move(row, 'b', 'left'))).toMatchObject({ a: [6, 0, 6, 2], b: [0, 0, 6, 2] });
  });

  it('goes past the card above or below', () => {
    expect(places(move(row, 'c', 'up'))).toEqual({ c: [0, 0, 12, 3], a: [0, 3, 6, 2], b: [6, 3, 6, 2] });
    expect(places(move(row, 'a', 'down'))).toMatchObject({ c: [0, 0, 12, 3], a: [0, 3, 6, 2] });
  });

  it('stops at the edges', () => {
    expect(places(move(row, 'a', 'left'))).toEqual(places(row));
    expect(places(move(row, 'c', 'down'))).toEqual(places(row));
    expect(places(move(row, 'a', 'up'))).toEqual(places(row));
  });
});

describe('resizing', () => {
  it('pushes down what is in the way, and takes room on the left where there is none on the right', () => {
    const two = [card('a', 0, 0, 6, 2), card('b', 6, 0, 6, 2)];
    expect(places(resize(two, 'a', { w: 1 }))).toEqual({ a: [0, 0, 7, 2], b: [6, 2, 6, 2] });
    expect(places(resize(two, 'b', { w: 1 }))).toEqual({ b: [5, 0, 7, 2], a: [0, 2, 6, 2] });
  });

  it('keeps cards between two columns and the whole width', () => {
    expect(places(resize([card('a', 0, 0, 2, 1)], 'a', { w: -1, h: -1 }))).toEqual({ a: [0, 0, 2, 1] });
    expect(places(resize([card('a', 0, 0, 12, 12)], 'a', { w: 1, h: 1 }))).toEqual({ a: [0, 0, 12, 12] });
  });
});

describe('a new card', () => {
  it('goes where there is room for it, else below', () => {
    expect(placeFor([], sizeFor('bar', 1))).toEqual({ x: 0, y: 0, w: 6, h: 4 });
    expect(placeFor([card('a', 0, 0, 3, 2)], sizeFor('number', 1))).toEqual({ x: 3, y: 0, w: 3, h: 2 });
    expect(placeFor([card('a', 0, 0, 12, 4)], sizeFor('bar', 1))).toEqual({ x: 0, y: 4, w: 6, h: 4 });
  });

  it('is taller for more numbers', () => {
    expect(sizeFor('number', 3)).toEqual({ w: 3, h: 3 });
  });
});

it('tells which cards are elsewhere', () => {
  const before = [card('a', 0, 0, 6, 2), card('b', 6, 0, 6, 2)];
  expect(moved(before, move(before, 'a', 'right')).map(({ id }) => id).sort()).toEqual(['a', 'b']);
  expect(moved(before, pack(before))).toEqual([]);
});
