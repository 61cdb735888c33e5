import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { recordingsFolder } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { createUsageObserver, findPrice, PRICES, priceUsage, UNKNOWN_MODEL_PRICE, type Price, type UsageResult } from '../src/index.ts';
import { RECORDED_COSTS } from './recorded-costs.ts';

const folder = recordingsFolder() ?? '';

const priceOf = (model: string | undefined): Price => findPrice(model ?? '', PRICES) ?? UNKNOWN_MODEL_PRICE;

async function read(mediaType: string, body: string): Promise<UsageResult> {
  const observer = createUsageObserver();
  observer.onHead(200, ['content-type', mediaType]);
  observer.onChunk(Buffer.from(body));
  await observer.onEnd('complete');
  return observer.result();
}

const asEvents = (lines: string): string => lines.split('\n').filter((line) => line !== '')
  .map((line) => `event: ${(JSON.parse(line) as { readonly type: string }).type}\ndata: ${line}\n\n`).join('');

/** The usage of a recording; `#2` names the second result of a batch. */
function usageOf(name: string): Promise<UsageResult> {
  const [file = '', line] = name.split('#');
  const text = readFileSync(join(folder, file), 'utf8');
  if (line !== undefined) {
    const result = JSON.parse(text.split('\n')[Number(line) - 1] ?? '') as { readonly result: { readonly message: unknown } };
    return read('application/json', JSON.stringify(result.result.message));
  }
  if (file.endsWith('.json')) return read('application/json', text);
  return read('text/event-stream', file.startsWith('chunks/') ? asEvents(text) : text);
}

const recordings = existsSync(folder)
  ? ['sse', 'json', 'chunks', 'transcripts'].flatMap((kind) => readdirSync(join(folder, kind)).filter((file) => !/\.(?:meta\.json|gz)$/.test(file)).map((file) => `${kind}/${file}`)) : [];

describe.skipIf(recordings.length === 0)('the cost of the recordings (skipped where there are none)', () => {
  it.each(RECORDED_COSTS)('%s costs %s to the nano-dollar', async (name, _sum, nanoDollars) => {
    const { usage, model, source } = await usageOf(name);
    expect(source).toBe('final');
    expect(priceUsage(usage, (part) => priceOf(part ?? model)).nanoDollars).toBe(nanoDollars);
  });

  it('every recording that reports its usage is in the table', async () => {
    const known = new Set(RECORDED_COSTS.map(([name]) => name));
    const unknown = recordings.filter((name) => !known.has(name));
    for (const name of unknown) expect([name, (await usageOf(name)).source]).toEqual([name, 'missing']);
    expect(unknown.length).toBeLessThan(recordings.length);
  });

  it('every model that a recording names has a price of its own, with a source and a date', () => {
    const models = new Set(recordings.flatMap((name) => Array.from(readFileSync(join(folder, name), 'utf8').matchAll(/"model" ?: ?"(claude[^"]+)"/g), ([, model = '']) => model)));
    expect(models.size).toBeGreaterThan(15);
    expect([...models].filter((model) => findPrice(model, PRICES) === undefined)).toEqual([]);
  });
});

describe('PRICES', () => {
  it.each([
    ['claude-3-5-sonnet-v2@20241022', 3], ['claude-3-5-sonnet@20240620', 3], ['claude-3-5-sonnet-v2', 3], ['claude-3-7-sonnet@20250219', 3], ['claude-opus-4-8@default', 5], ['claude-haiku-4-5@20251001', 1],
    ['publishers/anthropic/models/claude-3-5-sonnet-v2@20241022', 3], ['projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5@20250929', 3],
    ['anthropic.claude-3-5-sonnet-20241022-v2:0', 3], ['us.anthropic.claude-3-5-haiku-20241022-v1:0', 0.8], ['eu.anthropic.claude-opus-4-1-20250805-v1:0', 15], ['apac.anthropic.claude-3-haiku-20240307-v1:0', 0.25],
    ['global.anthropic.claude-opus-4-6-v1', 5], ['us-gov.anthropic.claude-3-haiku-20240307-v1:0:200k', 0.25], ['anthropic.claude-sonnet-5', 2], ['anthropic.claude-v2', 8], ['anthropic.claude-v2:1:200k', 8], ['anthropic.claude-instant-v1', 0.8],
    ['arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0', 1], ['arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-5-5-v1', 4],
    ['anthropic/claude-sonnet-5', 2], ['claude-opus-4-5', 5], ['claude-3-5-sonnet-latest', 3],
  ])('has the id %s, as a cloud writes it', (id, dollars) => {
    expect(findPrice(id, PRICES)?.input).toBe(dollars * 1_000_000);
  });

  it.each(['claude-opus-5-9', 'us.anthropic.claude-opus-6-v1', 'claude-sonnet-5-9@20270101', 'my-claude-opus-5', 'publishers/anthropic/models/claude-next'])('does not have %s, which is another model', (id) => {
    expect(findPrice(id, PRICES)).toBeUndefined();
  });

  it.each(PRICES.filter(({ model }) => !model.includes('*') && !model.endsWith('-latest')).map((row) => [row.model, row] as const))('%s has whole rates, a source and a date', (_model, row) => {
    expect(row.source).toMatch(/^https:\/\//);
    expect(row.asOf).toMatch(/^20\d\d-\d\d-\d\d$/);
    for (const rate of [row.input, row.output, row.cacheRead, row.cacheWrite5m, row.cacheWrite1h, row.webSearch]) expect(Number.isSafeInteger(rate)).toBe(true);
    expect(row.input).toBeGreaterThan(0);
    expect(row.output).toBeGreaterThan(row.input);
  });

  it('takes the ids that clouds and snapshots have, and no version that it does not know', () => {
    const inputOf = (model: string): number | undefined => findPrice(model, PRICES)?.input;
    expect(['claude-opus-4-5', 'claude-opus-4-5-20251101', 'claude-opus-4-5@20251101', 'us.anthropic.claude-opus-4-5-20251101-v1:0', 'anthropic.claude-opus-4-6-v1'].map(inputOf)).toEqual([5e6, 5e6, 5e6, 5e6, 5e6]);
    expect([inputOf('claude-opus-5'), inputOf('claude-opus-5-5'), inputOf('claude-opus-5-7'), inputOf('claude-opus-4-20250514')]).toEqual([5e6, 4e6, undefined, 15e6]);
  });
});
