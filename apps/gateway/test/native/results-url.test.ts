import Anthropic from '@anthropic-ai/sdk';
import { startSimulator } from '@penstock/anthropic-simulator';
import { describe, expect, test } from 'vitest';
import { rewriteResultsUrls } from '../../src/native/rewrite-results-url.ts';
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

  test.each([
    ['a member', `{"results_url": "${url('https://api.anthropic.com')}", "x":1}`, `{"results_url": "${url(rewrite.base)}", "x":1}`],
    ['white space kept', `{"results_url"\t:\n"${url('https://api.anthropic.com')}" }`, `{"results_url"\t:\n"${url(rewrite.base)}" }`],
    ['every entry of a list', `[{"results_url":"${url('https://api.anthropic.com')}"},{"results_url":null},{"results_url":"${url('https://api.anthropic.com')}"}]`,
      `[{"results_url":"${url(rewrite.base)}"},{"results_url":null},{"results_url":"${url(rewrite.base)}"}]`],
  ])('%s', (_name, before, after) => {
    expect(rewriteResultsUrls(Buffer.from(before), rewrite).toString()).toBe(after);
  });

  test.each([
    ['another origin', `{"results_url":"${url('https://elsewhere.example')}"}`],
    ['another path', '{"results_url":"https://api.anthropic.com/v1/organizations"}'],
    ['inside a string', `{"text":"\\"results_url\\":\\"${url('https://api.anthropic.com')}\\""}`],
    ['other member names', `{"my_results_url":"${url('https://api.anthropic.com')}"}`],
    ['bytes that are not UTF-8', '\u00ff{"results_url":null}'],
  ])('leaves %s alone, as the same buffer', (_name, text) => {
    const body = Buffer.from(text, 'latin1');
    expect(rewriteResultsUrls(body, rewrite)).toBe(body);
  });
});
