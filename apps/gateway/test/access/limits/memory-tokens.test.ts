import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createMemoryTokens } from '../../../src/access/limits/memory-tokens.ts';

const USED = { input_tokens_per_minute: 1, output_tokens_per_minute: 1 };

beforeEach(() => { vi.useFakeTimers({ toFake: ['performance'] }); });
afterEach(() => { vi.useRealTimers(); });

test('token counters: callers whose window is over are forgotten, one that still runs is not', async () => {
  const tokens = createMemoryTokens(60);
  await tokens.reserveTokens('running', { leaseId: 'r', tokens: USED }, { input_tokens_per_minute: undefined, output_tokens_per_minute: undefined });
  for (let index = 0; index < 10_000; index += 1) {
    await tokens.settleTokens(`person:${index}`, { leaseId: String(index), used: USED, isRetry: false });
    if (index % 100 === 99) vi.advanceTimersByTime(60_001);
  }
  expect(tokens.size).toBeLessThan(300);
  expect(await tokens.readTokens('running')).toMatchObject({ reserved: USED });
});
