import { describe, expect, it } from 'vitest';
import { samplesOf, sumOf } from './exposition.ts';
import { createTestMetrics } from './request-records.ts';

describe('the quota gauges', () => {
  it('show the limit, the rest and the reset of each API-key window, whatever the case of the names', async () => {
    const metrics = createTestMetrics();
    metrics.quotaSeen([
      'Date', 'x', 'Anthropic-Ratelimit-Requests-Limit', '50', 'anthropic-ratelimit-requests-remaining', '49',
      'anthropic-ratelimit-requests-reset', '2026-11-22T00:00:10Z', 'anthropic-ratelimit-input-tokens-remaining', '39000',
      'anthropic-priority-output-tokens-limit', '7', 'anthropic-fast-input-tokens-remaining', '8',
    ]);
    const text = await metrics.registry.metrics();
    expect(sumOf(text, 'penstock_anthropic_ratelimit_limit', { upstream: 'native', limit: 'requests' })).toBe(50);
    expect(sumOf(text, 'penstock_anthropic_ratelimit_remaining', { limit: 'requests' })).toBe(49);
    expect(sumOf(text, 'penstock_anthropic_ratelimit_remaining', { limit: 'input_tokens' })).toBe(39_000);
    expect(sumOf(text, 'penstock_anthropic_ratelimit_reset_timestamp_seconds', { limit: 'requests' })).toBe(Date.parse('2026-11-22T00:00:10Z') / 1000);
    expect(sumOf(text, 'penstock_anthropic_ratelimit_limit', { limit: 'priority_output_tokens' })).toBe(7);
    expect(sumOf(text, 'penstock_anthropic_ratelimit_remaining', { limit: 'fast_input_tokens' })).toBe(8);
  });

  it('show each window of a subscription: how full it is, its status and its reset', async () => {
    const metrics = createTestMetrics();
    metrics.quotaSeen([
      'anthropic-ratelimit-unified-status', 'allowed_warning', 'anthropic-ratelimit-unified-reset', '1795000000',
      'anthropic-ratelimit-unified-5h-utilization', '0.93', 'anthropic-ratelimit-unified-5h-status', 'rejected',
      'anthropic-ratelimit-unified-7d_opus-utilization', '0.1', 'anthropic-ratelimit-unified-representative-claim', 'five_hour',
    ], 'front_door');
    const text = await metrics.registry.metrics();
    expect(sumOf(text, 'penstock_anthropic_unified_status', { upstream: 'front_door', window: 'all' })).toBe(1);
    expect(sumOf(text, 'penstock_anthropic_unified_reset_timestamp_seconds', { window: 'all' })).toBe(1_795_000_000);
    expect(sumOf(text, 'penstock_anthropic_unified_utilization_ratio', { window: '5h' })).toBe(0.93);
    expect(sumOf(text, 'penstock_anthropic_unified_status', { window: '5h' })).toBe(2);
    expect(sumOf(text, 'penstock_anthropic_unified_utilization_ratio', { window: '7d_opus' })).toBe(0.1);
  });

  it('give each field to its own gauge and upstream, in whatever order and company it comes', async () => {
    const metrics = createTestMetrics();
    const limit = ['anthropic-ratelimit-requests-limit', '50'];
    const tokens = ['anthropic-ratelimit-tokens-limit', '60'];
    const unknown = ['anthropic-organization-id-x', '70'];
    metrics.quotaSeen([...limit, ...tokens, ...unknown]);
    metrics.quotaSeen([...unknown, ...tokens, ...limit], 'front_door');
    metrics.quotaSeen(['anthropic-ratelimit-tokens-limit', '61', ...unknown, 'anthropic-ratelimit-requests-limit', '51']);
    metrics.quotaSeen(['anthropic-ratelimit-tokens-limit', '62'], 'front_door');
    const text = await metrics.registry.metrics();
    const limitOf = (upstream: string, name: string): number | undefined => sumOf(text, 'penstock_anthropic_ratelimit_limit', { upstream, limit: name });
    expect([limitOf('native', 'requests'), limitOf('native', 'tokens')]).toEqual([51, 61]);
    expect([limitOf('front_door', 'requests'), limitOf('front_door', 'tokens')]).toEqual([50, 62]);
  });

  it('keep the last readable value that was scraped and pass over what is no number or no known status', async () => {
    const metrics = createTestMetrics();
    metrics.quotaSeen(['anthropic-ratelimit-tokens-remaining', '5']);
    await metrics.registry.metrics();
    metrics.quotaSeen([
      'anthropic-ratelimit-tokens-remaining', 'many', 'anthropic-ratelimit-tokens-limit', '', 'anthropic-ratelimit-tokens-reset', 'soon',
      'anthropic-ratelimit-unified-5h-status', 'unheard_of', 'anthropic-ratelimit-', '1', 'anthropic-organization-id', 'o', 'anthropic-ratelimit-requests-limit',
    ]);
    const text = await metrics.registry.metrics();
    expect(sumOf(text, 'penstock_anthropic_ratelimit_remaining', { limit: 'tokens' })).toBe(5);
    expect(samplesOf(text).filter((line) => line.startsWith('penstock_anthropic'))).toHaveLength(1);
  });
});
