import { Buffer } from 'node:buffer';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createBatchReader, createBatchResultsObserver, MOST_BATCH_MODELS, type BatchRequests, type BatchResult, type BatchResultsOptions } from '../src/index.ts';

const HAIKU = 'claude-haiku-4-5';
const OPUS = 'claude-opus-4-8';
const entry = (id: string, params: object): object => ({ custom_id: id, params });
const params = (model: string, maxTokens: number, content = 'Hi'): object => ({ model, max_tokens: maxTokens, messages: [{ role: 'user', content }] });

function read(text: string, pieceBytes = text.length): BatchRequests {
  const reader = createBatchReader();
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; from += pieceBytes) reader.write(bytes.subarray(from, from + pieceBytes));
  return reader.result();
}

describe('reader of a batch', () => {
  const first = params(HAIKU, 100, 'say "max_tokens": 9 and {"model": "x"} \\ é');
  const second = { ...params(OPUS, 50), tools: [{ name: 't', input_schema: { properties: { model: { type: 'string' }, max_tokens: { type: 'integer', maximum: 7 } } } }], metadata: { model: 'other', max_tokens: 3 } };
  const text = JSON.stringify({ requests: [entry('a', first), entry('b', second), entry('c', params(HAIKU, 20))] });
  const expected: BatchRequests = {
    count: 3, bytes: Buffer.byteLength(text),
    models: [
      { model: HAIKU, count: 2, paramsBytes: Buffer.byteLength(JSON.stringify(first)) + Buffer.byteLength(JSON.stringify(params(HAIKU, 20))), maxTokens: 120 },
      { model: OPUS, count: 1, paramsBytes: Buffer.byteLength(JSON.stringify(second)), maxTokens: 50 },
    ],
  };

  it('adds up the params and max_tokens of the entries by model, and reads no name at another place', () => {
    expect(read(text)).toEqual(expected);
  });

  it('reads the same at any split', () => {
    for (const pieceBytes of [1, 2, 3, 7, 64]) expect(read(text, pieceBytes)).toEqual(expected);
  });

  it('reads names with escapes, white space and members in any order', () => {
    const escaped = `{ "x": [[{"params":{"model":"no","max_tokens":1}}]],\n "re\\u0071uests" : [ { "p\\u0061rams" : { "max\\u005ftokens" : 1.5e1 , "\\u006dodel" : "claude\\u002dhaiku-4-5" } , "custom_id" : "a" } ] }`;
    expect(read(escaped)).toMatchObject({ count: 1, models: [{ model: HAIKU, count: 1, maxTokens: 15 }] });
  });

  it('takes the larger of two bounds of one entry, and no entry gets what another one had', () => {
    expect(read(`{"requests":[{"params":{"model":"m","max_tokens":30,"max_tokens":2}},{"params":{"model":"m"}},{"custom_id":"c"},{"params":{"max_tokens":"8"}}]}`))
      .toMatchObject({ count: 4, models: [{ model: 'm', count: 2, maxTokens: 30 }, { model: '', count: 2, maxTokens: 0 }] });
  });

  it('keeps apart so many models, and takes what is no batch for an empty one', () => {
    const many = JSON.stringify({ requests: Array.from({ length: MOST_BATCH_MODELS + 5 }, (_, index) => entry(`${index}`, params(`m${index}`, 1))) });
    const { models, count } = read(many);
    expect([models.length, models.at(-1)?.count, count]).toEqual([MOST_BATCH_MODELS, 6, MOST_BATCH_MODELS + 5]);
    for (const other of ['', 'null', '[]', '{}', '{"requests":{}}', '}}}]]"', '{"requests":[']) expect(read(other).count).toBe(0);
    expect(read(`{"requests":[{"params":{"model":"${'x'.repeat(10_000)}","max_tokens":${'9'.repeat(400)}}}]}`)).toMatchObject({ count: 1, models: [{ maxTokens: 10_000_000 }] });
  });
});

const USAGE = { input_tokens: 10, output_tokens: 20, service_tier: 'batch' };
const line = (id: string, result: object): string => `${JSON.stringify({ custom_id: id, result })}\n`;
const succeeded = (text = 'hello'): object => ({ type: 'succeeded', message: { id: 'msg', type: 'message', model: HAIKU, content: [{ type: 'text', text }], stop_reason: 'end_turn', usage: USAGE } });
const LINES = line('a', succeeded()) + line('b', { type: 'errored', error: { type: 'error' } }) + line('c', { type: 'canceled' }) + line('d', { type: 'expired' }) + line('é', succeeded('\n"'));

function observe(body: Uint8Array, { pieceBytes = body.length, status = 200, headers = [], how = 'complete', ...options }: Partial<BatchResultsOptions> & { readonly pieceBytes?: number; readonly status?: number; readonly headers?: readonly string[]; readonly how?: string } = {}): { readonly results: BatchResult[]; readonly errors: unknown[]; readonly ended: Promise<void> | undefined | void } {
  const [results, errors]: [BatchResult[], unknown[]] = [[], []];
  const observer = createBatchResultsObserver({ onResult: (result) => { results.push(result); }, onError: (error) => { errors.push(error); }, ...options });
  observer.onHead?.(status, headers);
  for (let from = 0; from < body.length; from += pieceBytes) observer.onChunk(body.subarray(from, from + pieceBytes));
  return { results, errors, ended: observer.onEnd(how as 'complete') };
}

describe('observer of batch results', () => {
  it('reports each line with what it spent, at any split', () => {
    for (const pieceBytes of [1, 5, 100, 10_000]) {
      const { results } = observe(Buffer.from(LINES), { pieceBytes });
      expect(results.map(({ customId, type, model, usage }) => [customId, type, model, usage?.input, usage?.output, usage?.serviceTier])).toEqual([
        ['a', 'succeeded', HAIKU, 10, 20, 'batch'], ['b', 'errored', undefined, undefined, undefined, undefined], ['c', 'canceled', undefined, undefined, undefined, undefined],
        ['d', 'expired', undefined, undefined, undefined, undefined], ['é', 'succeeded', HAIKU, 10, 20, 'batch'],
      ]);
    }
  });

  it('reads a last line without an end where the answer is whole, and leaves it out where it is cut', () => {
    const whole = Buffer.from(LINES.slice(0, -1));
    expect(observe(whole).results).toHaveLength(5);
    expect(observe(whole, { how: 'client_gone' }).results).toHaveLength(4);
  });

  it('leaves out a line over the bound, reports it once and reads the next', () => {
    const long = line('long', succeeded('x'.repeat(2_000)));
    for (const pieceBytes of [10, 100_000]) {
      const { results, errors } = observe(Buffer.from(long + LINES), { pieceBytes, maxLineBytes: 1_000 });
      expect([results.map(({ customId }) => customId), errors.length]).toEqual([['a', 'b', 'c', 'd', 'é'], 1]);
    }
  });

  it('reads compressed lines, and none of an answer that is an error', async () => {
    const { results, ended } = observe(gzipSync(LINES), { headers: ['content-encoding', 'gzip'] });
    await ended;
    expect(results).toHaveLength(5);
    expect(observe(Buffer.from(LINES), { status: 404 }).results).toEqual([]);
  });

  it('goes on behind a line that is no JSON, or no result', () => {
    const { results, errors } = observe(Buffer.from(`nonsense\n\r\n[]\n{"custom_id":1,"result":{}}\n${LINES}`));
    expect([results.length, errors.length]).toEqual([5, 1]);
  });
});
