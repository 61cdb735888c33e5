import { expect, it } from 'vitest';
import { REUSES_WITHOUT_REST } from '../src/pool/answer-times.ts';
import { seeded, runStrays } from './stray-run.ts';

it('a stray response goes to one request, at most one answer is shifted by it, and its connection is gone (whenever it comes, on a busy pool)', async () => {
  const random = seeded(1);
  // After each fortieth answer one, 0 to 20 ms later.
  const run = await runStrays({
    answers: 1_000, connections: 2, clients: 12, answerMs: () => 9 + Math.floor(3 * random()),
    strayAfter: (answer) => (answer > 40 && answer % 40 === 0 ? (answer / 40) % 21 : undefined),
  });
  expect(run.strayed.length).toBeGreaterThan(21);
  expect(Math.max(...run.strayed.map(({ wrong }) => wrong))).toBeLessThanOrEqual(2);
  expect(run.strayed.filter(({ isOpen }) => isOpen)).toEqual([]);
  expect(run.failures).toEqual([]);
});

it('answers that a stray has shifted are in their places again after a bounded number of them, whatever time answers take', async () => {
  const random = seeded(2);
  const run = await runStrays({
    answers: 1_000, connections: 2, clients: 12, answerMs: () => 1 + Math.floor(random() * random() * 200),
    strayAfter: (answer) => (answer > 100 && answer % 40 === 0 ? 20 + Math.floor(random() * 100) : undefined),
  });
  expect(run.strayed.length).toBeGreaterThan(10);
  expect(Math.max(...run.strayed.map(({ wrong }) => wrong))).toBeLessThanOrEqual(REUSES_WITHOUT_REST);
  expect(run.strayed.filter(({ isOpen }) => isOpen)).toEqual([]);
});

it('connections of an origin without strays are replaced now and then, and no request fails', async () => {
  const random = seeded(3);
  const run = await runStrays({ answers: 1_000, connections: 4, clients: 12, answerMs: () => 1 + Math.floor(random() * random() * 200), strayAfter: () => undefined });
  expect(run.failures).toEqual([]);
  expect(run.wrong).toBe(0);
  // One in 32 by their number, and about as many because their answer came soon.
  expect(run.closed.retired).toBeGreaterThan(0);
  expect(run.closed.retired).toBeLessThan(3 * 1_000 / REUSES_WITHOUT_REST);
});
