import { describe, expect, it } from 'vitest';
import { createUsageTally } from '../../src/messages-core/usage.ts';

describe('createUsageTally', () => {
  it('counts the prompt as OpenAI does: input, cache reads and cache writes together', () => {
    const tally = createUsageTally();
    tally.update({ input_tokens: 3, cache_read_input_tokens: 20, cache_creation_input_tokens: 100, output_tokens: 7, cache_creation: { ephemeral_5m_input_tokens: 60, ephemeral_1h_input_tokens: 40 }, output_tokens_details: { thinking_tokens: 5 } }, true);
    expect(tally.openAiUsage()).toEqual({
      prompt_tokens: 123, completion_tokens: 7, total_tokens: 130,
      prompt_tokens_details: { cached_tokens: 20, cache_write_tokens: 100 }, completion_tokens_details: { reasoning_tokens: 5 },
    });
    expect(tally.counts()).toEqual({ input: 3, output: 7, cacheRead: 20, cacheWrite5m: 60, cacheWrite1h: 40 });
  });

  it('lets the last word on a field win and adds nothing up', () => {
    const tally = createUsageTally();
    tally.update({ input_tokens: 10, cache_read_input_tokens: 4, output_tokens: 1 }, false);
    expect(tally.source()).toBe('partial');
    tally.update({ input_tokens: 12, output_tokens: 9 }, true);
    tally.update({ output_tokens: 30 }, true);
    expect([tally.source(), tally.counts()]).toEqual(['final', { input: 12, output: 30, cacheRead: 4, cacheWrite5m: 0, cacheWrite1h: 0 }]);
  });

  it.each([
    ['a split alone', { cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 } }, 10, 20],
    ['a total without a split (5 minutes is the default)', { cache_creation_input_tokens: 30 }, 30, 0],
    ['a total that is less than its split', { cache_creation_input_tokens: 15, cache_creation: { ephemeral_1h_input_tokens: 20 } }, 0, 15],
  ])('cache writes of %s are counted as the native API\'s usage counts them', (_name, usage, cacheWrite5m, cacheWrite1h) => {
    const tally = createUsageTally();
    tally.update({ input_tokens: 1, output_tokens: 1, ...usage }, true);
    expect(tally.counts()).toEqual({ input: 1, output: 1, cacheRead: 0, cacheWrite5m, cacheWrite1h });
    expect(tally.openAiUsage().prompt_tokens_details.cache_write_tokens).toBe(cacheWrite5m + cacheWrite1h);
  });

  it('is missing until a usage came, whatever nonsense stands in its place', () => {
    const tally = createUsageTally();
    tally.update(null, true);
    tally.update('many', true);
    expect([tally.source(), tally.counts(), tally.openAiUsage().total_tokens]).toEqual(['missing', undefined, 0]);
    tally.update({ input_tokens: -5, output_tokens: 'x', cache_read_input_tokens: 1.5, cache_creation_input_tokens: 1_000_000_001, iterations: [{ output_tokens: Number.MAX_SAFE_INTEGER }] }, false);
    expect(tally.counts()).toEqual({ input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 });
  });

  it('adds up `usage.iterations`: what a client is shown is what was billed, and the advisor\'s part is its model\'s', () => {
    const tally = createUsageTally();
    tally.update({ input_tokens: 180_000, output_tokens: 1 }, false);
    tally.update({ input_tokens: 23_000, output_tokens: 1_000, iterations: [
      { type: 'compaction', input_tokens: 180_000, output_tokens: 3_500, cache_creation_input_tokens: 30, cache_creation: { ephemeral_1h_input_tokens: 20 } },
      { type: 'message', model: null, input_tokens: 23_000, output_tokens: 1_000, cache_read_input_tokens: 7 },
      { type: 'advisor_message', model: 'claude-advisor', input_tokens: 500, output_tokens: 60 },
    ] }, true);
    expect(tally.counts()).toEqual({
      input: 203_500, output: 4_560, cacheRead: 7, cacheWrite5m: 10, cacheWrite1h: 20,
      entries: [
        { tokens: { input: 180_000, output: 3_500, cacheRead: 0, cacheWrite5m: 10, cacheWrite1h: 20 } }, { tokens: { input: 23_000, output: 1_000, cacheRead: 7, cacheWrite5m: 0, cacheWrite1h: 0 } },
        { model: 'claude-advisor', tokens: { input: 500, output: 60, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 } },
      ],
      byModel: [{ tokens: { input: 203_000, output: 4_500, cacheRead: 7, cacheWrite5m: 10, cacheWrite1h: 20 } }, { model: 'claude-advisor', tokens: { input: 500, output: 60, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 } }],
    });
    expect(tally.openAiUsage()).toMatchObject({ prompt_tokens: 203_537, completion_tokens: 4_560, total_tokens: 208_097, prompt_tokens_details: { cached_tokens: 7, cache_write_tokens: 30 } });
  });

  it('reads what decides a price: tier, place, speed and searches', () => {
    const tally = createUsageTally();
    tally.update({ input_tokens: 1, service_tier: 'standard', inference_geo: 'us' }, false);
    tally.update({ output_tokens: 1, service_tier: 'priority', speed: 'fast', server_tool_use: { web_search_requests: 3 } }, true);
    expect(tally.counts()).toMatchObject({ serviceTier: 'priority', inferenceGeo: 'us', speed: 'fast', serverToolRequests: { web_search_requests: 3 } });
  });

  it('leaves out a fallback that was declined before it wrote anything', () => {
    const tally = createUsageTally();
    tally.update({ input_tokens: 1, output_tokens: 1, iterations: [{ type: 'message', input_tokens: 500, output_tokens: 0 }, { type: 'fallback_message', model: 'claude-b', input_tokens: 500, output_tokens: 60 }] }, true);
    expect(tally.counts()).toMatchObject({ input: 500, output: 60 });
  });

  it.each([[[]], [null], [7], [['x']]])('takes the top level where the iterations say nothing: %j', (iterations) => {
    const tally = createUsageTally();
    tally.update({ input_tokens: 3, output_tokens: 4, iterations }, true);
    expect(tally.counts()).toEqual({ input: 3, output: 4, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 });
  });
});
