import { expect, it } from 'vitest';
import { MAX_MOVES, MAX_MOVES_PER_OWNER, MOVE_IDLE_MS, MoveTable } from '../src/choice/move-table.ts';

it('MoveTable: forgets a key that is not used for an hour, and keeps one that is', () => {
  const moves = new MoveTable();
  moves.remember('k', 'o', 'b', 0);
  expect(moves.find('k', MOVE_IDLE_MS - 1)).toBe('b');
  expect(moves.find('k', 2 * MOVE_IDLE_MS - 2)).toBe('b');
  expect(moves.find('k', 4 * MOVE_IDLE_MS)).toBeUndefined();
  expect(moves.size).toBe(0);
});

it('MoveTable: one owner holds no more than its part, and its oldest key goes (sessions of others are not pushed out)', () => {
  const moves = new MoveTable();
  moves.remember('other', 'o2', 'b', 0);
  for (let index = 0; index <= MAX_MOVES_PER_OWNER; index += 1) moves.remember(`k${index}`, 'o1', 'b', index);
  expect(moves.size).toBe(MAX_MOVES_PER_OWNER + 1);
  expect([moves.find('other', 1), moves.find('k0', 1), moves.find('k1', 1)]).toEqual(['b', undefined, 'b']);
});

it('MoveTable: holds no more than its limit, whatever the owners', () => {
  const moves = new MoveTable();
  for (let index = 0; index < MAX_MOVES + 10; index += 1) moves.remember(`k${index}`, `o${index}`, 'b', 0);
  expect(moves.size).toBe(MAX_MOVES);
  expect([moves.find('k9', 0), moves.find('k10', 0)]).toEqual([undefined, 'b']);
});

it('MoveTable: of one owner the key goes that was not used for longest', () => {
  const moves = new MoveTable();
  for (let index = 0; index < MAX_MOVES_PER_OWNER; index += 1) moves.remember(`k${index}`, 'o', 'b', 0);
  expect(moves.find('k0', 2_000)).toBe('b');
  moves.remember('new', 'o', 'b', 2_001);
  expect([moves.find('k0', 2_002), moves.find('k1', 2_002)]).toEqual(['b', undefined]);
});
