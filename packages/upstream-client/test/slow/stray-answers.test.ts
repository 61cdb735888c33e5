import { expect, it } from 'vitest';
import { runStrays, seeded } from '../stray-run.ts';

it.each([
  [1, 10], [2, 3], [2, 10], [4, 40], [8, 20],
])('10,000 answers on %i busy connections, each within a tenth of %i ms, with strays at every delay from 0 to 20 ms: at most two wrong answers a stray, then the connection is gone', async (connections, answerMs) => {
  const random = seeded(connections * 100 + answerMs);
  const run = await runStrays({
    answers: 10_000, connections, clients: connections * 4, answerMs: () => answerMs + Math.round(answerMs * 0.2 * (random() - 0.5)),
    strayAfter: (answer) => (answer > 100 && answer % 45 === 0 ? (answer / 45) % 21 : undefined),
  });
  const wrong = run.strayed.map((connection) => connection.wrong);
  console.log(`${run.strayed.length} strays: ${[0, 1, 2, 3].map((count) => `${wrong.filter((one) => (count < 3 ? one === count : one > 2)).length} with ${count === 3 ? 'more' : count}`).join(', ')} wrong; closed: ${JSON.stringify(run.closed)}`);
  expect(run.strayed.length).toBeGreaterThanOrEqual(200);
  expect(Math.max(...wrong)).toBeLessThanOrEqual(2);
  expect(run.strayed.filter(({ isOpen }) => isOpen)).toEqual([]);
});
