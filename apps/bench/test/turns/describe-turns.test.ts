import { BOUNDED_CELLS } from '@penstock/test-support';
import { expect, it } from 'vitest';
import { describeTurns } from '../../src/turns/describe-turns.ts';
import { groupOf } from '../../src/turns/turn-group.ts';

const turn = (cpuMs: number): { input: string; ms: number; cpuMs: number } => ({ input: 'request, plain text', ms: cpuMs + 1, cpuMs });

it('a row shows the longest turn beside that of the floor, and marks a target that was not reached', () => {
  const rows = [
    { side: 'native', party: 'client', form: 'compressed', inputs: 6, penstock: turn(51), floor: turn(4), mostHeld: 1.234 },
    { side: 'translated', party: 'upstream', form: 'large pieces', inputs: 2, penstock: turn(51), floor: undefined, mostHeld: 2 },
  ] as const;
  expect(describeTurns(rows).split('\n').slice(2)).toEqual([
    '| native | client | compressed | 6 | 51 | 52 | 4 | 5 | 50 (not reached) | 1.23 | request, plain text |',
    '| translated | upstream | large pieces | 2 | 51 | 52 | – | – | 100 | 2.00 | request, plain text |',
  ]);
});

it('every form of the table has inputs of a client and of an upstream', () => {
  const forms = new Set(BOUNDED_CELLS.map((cell) => `${cell.party}, ${groupOf(cell).form}`));
  expect(forms).toEqual(new Set(['client', 'upstream'].flatMap((party) => ['large pieces', 'chunks of one byte', 'compressed', 'heads, trailers and pipelined'].map((form) => `${party}, ${form}`))));
});
