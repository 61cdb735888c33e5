import Anthropic from '@anthropic-ai/sdk';
import { startSimulator } from '@penstock/anthropic-simulator';
import { answerAlways, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { ResultsUrlText } from '../../src/native/rewrite-results-url.ts';
import { startTestGateway, TEST_KEY } from '../start-test-gateway.ts';

const ASK = { model: 'sim-text', max_tokens: 50, messages: [{ role: 'user' as const, content: 'Say hello' }] };

test('by default a batch object crosses verbatim, with the upstream\'s own results_url', async () => {
  await using simulator = await startSimulator({ publicOrigin: 'https://api.anthropic.com' });
  await using gateway = await startTestGateway(simulator.origin);
  const client = new Anthropic({ apiKey: 'x', baseURL: gateway.anthropic });
  const batch = await client.messages.batches.create({ requests: [{ custom_id: 'a', params: ASK }] });
  expect((await client.messages.batches.retrieve(batch.id)).results_url).toBe(`https://api.anthropic.com/v1/messages/batches/${batch.id}/results`);
});

test('with rewrite_batch_results_url the SDK reads its results through the gateway, and never dials the API with its key', async () => {
  await using simulator = await startSimulator({ publicOrigin: 'https://api.anthropic.com', apiKeys: [TEST_KEY] });
  await using gateway = await startTestGateway(simulator.origin, { anthropic_native: { rewrite_batch_results_url: true } });
  const client = new Anthropic({ apiKey: 'the-clients-own', baseURL: gateway.anthropic });
  const batch = await client.messages.batches.create({ requests: [{ custom_id: 'a', params: ASK }, { custom_id: 'b', params: ASK }] });
  const ids: string[] = [];
  for await (const entry of await client.messages.batches.results(batch.id)) ids.push(entry.custom_id);
  expect(ids.toSorted()).toEqual(['a', 'b']);
  for await (const listed of client.messages.batches.list()) expect(listed.results_url).toContain(gateway.anthropic);
});

test.each([[['127.0.0.1'], 'https'], [[], 'http']])('behind a balancer that took TLS (trusted: %j) the rewritten URL begins with %s (a key must not go back in clear text)', async (trustedProxies, scheme) => {
  await using simulator = await startSimulator({ publicOrigin: 'https://api.anthropic.com' });
  await using gateway = await startTestGateway(simulator.origin, { server: { trusted_proxies: trustedProxies }, anthropic_native: { rewrite_batch_results_url: true } });
  const client = new Anthropic({ apiKey: 'x', baseURL: gateway.anthropic, defaultHeaders: { 'x-forwarded-proto': 'https' } });
  const batch = await client.messages.batches.create({ requests: [{ custom_id: 'a', params: ASK }] });
  expect((await client.messages.batches.retrieve(batch.id)).results_url).toBe(`${scheme}://127.0.0.1:${gateway.port}/anthropic/v1/messages/batches/${batch.id}/results`);
});

describe('the rewrite changes one URL and no other byte', () => {
  const rewrite = { origins: ['https://api.anthropic.com'], base: 'http://gateway:8000/anthropic' };
  const url = (origin: string): string => `${origin}/v1/messages/batches/msgbatch_1/results`;
  const rewriteIn = (pieces: readonly Buffer[]): Buffer => {
    const text = new ResultsUrlText(rewrite);
    return Buffer.concat([...pieces.map((piece) => text.write(piece)), text.end()]);
  };
  /** The text cut at each place, and into single bytes. */
  const cuts = (text: string): Buffer[][] => {
    const body = Buffer.from(text, 'latin1');
    return [...Array.from(body, (_, at) => [body.subarray(0, at), body.subarray(at)]), Array.from(body, (_, at) => body.subarray(at, at + 1))];
  };

  test.each([
    ['a member', `{"results_url": "${url('https://api.anthropic.com')}", "x":1}`, `{"results_url": "${url(rewrite.base)}", "x":1}`],
    ['white space kept', `{"results_url"\t:\n"${url('https://api.anthropic.com')}" }`, `{"results_url"\t:\n"${url(rewrite.base)}" }`],
    ['every entry of a list', `[{"results_url":"${url('https://api.anthropic.com')}"},{"results_url":null},{"results_url":"${url('https://api.anthropic.com')}"}]`,
      `[{"results_url":"${url(rewrite.base)}"},{"results_url":null},{"results_url":"${url(rewrite.base)}"}]`],
    ['a name that is begun twice', `{"a":"results_","b":"results_url","results_url":"${url('https://api.anthropic.com')}"}`, `{"a":"results_","b":"results_url","results_url":"${url(rewrite.base)}"}`],
  ])('%s, wherever the answer is cut', (_name, before, after) => {
    for (const pieces of cuts(before)) expect(rewriteIn(pieces).toString()).toBe(after);
  });

  test.each([
    ['another origin', `{"results_url":"${url('https://elsewhere.example')}"}`],
    ['another path', '{"results_url":"https://api.anthropic.com/v1/organizations"}'],
    ['inside a string', `{"text":"\\"results_url\\":\\"${url('https://api.anthropic.com')}\\""}`],
    ['other member names', `{"my_results_url":"${url('https://api.anthropic.com')}"}`],
    ['bytes that are not UTF-8', '\u00ff{"results_url":null}'],
    ['a text that ends in a field', '{"results_url":"https://api.anth'],
    ['a field with over 64 bytes of space', `{"results_url":${' '.repeat(65)}"${url('https://api.anthropic.com')}"}`],
  ])('leaves %s alone, wherever the answer is cut', (_name, text) => {
    for (const pieces of cuts(text)) expect(rewriteIn(pieces).toString('latin1')).toBe(text);
  });

  test('passes a chunk on as it is where nothing in it is changed, and holds at most half a KB (an answer of any size is rewritten)', () => {
    const text = new ResultsUrlText(rewrite);
    const chunk = Buffer.from('{"processing_status":"ended"},'.repeat(2_000));
    expect(text.write(chunk)).toBe(chunk);
    const hostile = Buffer.from(`"results_url":"${'x'.repeat(100_000)}`);
    let passed = 0;
    for (const byte of hostile) passed += text.write(Buffer.of(byte)).length;
    expect(hostile.length - passed).toBeLessThanOrEqual(512);
  });
});

test('a list of batches of 10 MB is rewritten as it passes, in chunks, since its length is not known before its end', async () => {
  const entry = (origin: string): string => `{"id":"msgbatch_1","results_url":"${origin}/v1/messages/batches/msgbatch_1/results"}`;
  const list = (origin: string): string => `{"data":[${Array.from({ length: 100_000 }, () => entry(origin)).join(',')}]}`;
  await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], list('https://api.anthropic.com'))));
  await using gateway = await startTestGateway(upstream.origin, { anthropic_native: { rewrite_batch_results_url: true } });
  const response = await fetch(`${gateway.anthropic}/v1/messages/batches`, { headers: { 'x-api-key': TEST_KEY } });
  expect([response.status, response.headers.get('content-length')]).toEqual([200, null]);
  expect(await response.text()).toBe(list(`http://127.0.0.1:${gateway.port}/anthropic`));
});
