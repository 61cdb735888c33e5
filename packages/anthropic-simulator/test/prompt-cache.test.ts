import { describe, expect, it } from 'vitest';
import { createPromptCache } from '../src/messages/prompt-cache.ts';
import { countInputTokens } from '../src/messages/count-tokens.ts';

const clock = { now: (): number => 1, wait: (): Promise<void> => Promise.resolve() };
const marked = (text: string, ttl: '5m' | '1h'): object => ({ type: 'text', text, cache_control: { type: 'ephemeral', ttl } });
const request = (...content: readonly object[]): Readonly<Record<string, unknown>> => ({ system: [marked('s'.repeat(360), '1h')], messages: [{ role: 'user', content }] });

describe('the prompt cache', () => {
  it('reads up to the last known mark, writes up to the last mark by its lifetime, and leaves the rest', () => {
    const cache = createPromptCache(clock);
    const first = cache.account('m', request(marked('a'.repeat(720), '5m'), { type: 'text', text: 'tail' }));
    expect(first).toMatchObject({ cacheReadTokens: 0, cacheWrite1hTokens: 103, cacheWrite5mTokens: 204 });
    const second = cache.account('m', request(marked('b'.repeat(720), '5m'), { type: 'text', text: 'tail' }));
    expect(second).toEqual({ ...first, cacheReadTokens: 103, cacheWrite1hTokens: 0 });
    expect(cache.account('other', request(marked('b'.repeat(720), '5m'), { type: 'text', text: 'tail' }))).toEqual(first);
  });

  it('always sums up to the count', () => {
    const cache = createPromptCache(clock);
    for (const text of ['a', 'a', 'b', 'a']) {
      const body = request(marked(text, '5m'), marked('x', '1h'), { type: 'text', text: 'end' });
      const usage = cache.account('m', body);
      expect(usage.inputTokens + usage.cacheReadTokens + usage.cacheWrite1hTokens + usage.cacheWrite5mTokens).toBe(countInputTokens(body));
    }
  });
});
