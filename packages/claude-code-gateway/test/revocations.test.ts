import { expect, test } from 'vitest';
import { createRevocations } from '../src/tokens/revocations.ts';

const TOKEN_LIFE_MS = 3_600_000;

test('revocations: are forgotten once the last token of their session has expired (ended sessions do not gather in memory)', async () => {
  let now = 1_000_000_000;
  const dropped: string[] = [];
  let asked = 0;
  const revocations = createRevocations({
    store: {
      async revokedSince(since) {
        asked += 1;
        return asked === 1 ? Array.from({ length: 10_000 }, (_, index) => ({ sid: `s${index}`, revokedAt: since + 1 + index })) : [];
      },
    },
    now: () => now, tokenLifeMs: TOKEN_LIFE_MS, onRevoked: (sessionId) => { dropped.push(sessionId); },
  });
  await revocations.poll();
  expect([dropped.length, revocations.size, revocations.isRevoked('s9999')]).toEqual([10_000, 10_000, true]);
  revocations.add('s9999');
  expect(dropped).toHaveLength(10_000);
  now += TOKEN_LIFE_MS + 60_000;
  await revocations.poll();
  expect([revocations.size, revocations.isRevoked('s9999')]).toEqual([0, false]);
});

test('revocations: a store that fails leaves what is known, and what was revoked meanwhile is read afterwards', async () => {
  let now = 1_000_000_000;
  const asked: number[] = [];
  let isDown = false;
  const revocations = createRevocations({
    store: { revokedSince: (since) => { asked.push(since); return isDown ? Promise.reject(new Error('down')) : Promise.resolve([{ sid: 'known', revokedAt: now }]); } },
    now: () => now, tokenLifeMs: TOKEN_LIFE_MS, onRevoked: () => undefined,
  });
  await revocations.poll();
  isDown = true;
  now += 600_000;
  await revocations.poll();
  expect(revocations.isRevoked('known')).toBe(true);
  isDown = false;
  await revocations.poll();
  // From where the last good look ended, with an overlap for clocks that differ.
  expect(asked.at(-1)).toBe(1_000_000_000 - 30_000);
});
