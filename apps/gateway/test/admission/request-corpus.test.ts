import { answerAlways, fieldValues, startScriptedUpstream, statusOf, wholeResponse, type ScriptedUpstream, type WireMessage } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';
import { REQUEST_CORPUS, type MarkedCase } from './corpus/request-corpus.ts';
import { framingProblems, readRecordedBytes } from './recorded-bytes.ts';
import { runRequestCase } from './run-request-case.ts';

let upstream: ScriptedUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{}')));
  gateway = await startTestGateway(upstream.origin);
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const outboundOf = (mark: string): WireMessage[] => upstream.requests.filter(({ startLine }) => startLine.includes(mark));

function expectGatewayError(response: WireMessage, one: MarkedCase): void {
  expect(statusOf(response)).toBeGreaterThanOrEqual(400);
  const [code] = fieldValues(response.rawHeaders, 'x-penstock-error');
  expect(code).toMatch(/^[a-z_]+$/);
  expect(response.complete).toBe(true);
  if (one.bytes.startsWith('HEAD ')) return;
  const body = JSON.parse(response.body.toString()) as { type?: string; error: { type?: string; message: string } };
  expect(body.error.message).toMatch(/\w+.*\.$/);
  expect(body.error.message).not.toContain(one.id);
  const [target = ''] = /\/\S*/.exec(one.bytes.split('\r\n', 1)[0] ?? '') ?? [];
  if (target.startsWith('/anthropic/') && one.pipelined !== true) expect(body).toMatchObject({ type: 'error', error: { type: expect.any(String) as string }, request_id: fieldValues(response.rawHeaders, 'request-id')[0] });
}

describe('each raw request gives one well-framed outbound request or none', () => {
  test('the corpus has more than 200 requests, each of its own', () => {
    expect(new Set(REQUEST_CORPUS.map(({ bytes }) => bytes)).size).toBe(REQUEST_CORPUS.length);
    expect(new Set(REQUEST_CORPUS.map(({ name }) => name)).size).toBe(REQUEST_CORPUS.length);
    expect(REQUEST_CORPUS.length).toBeGreaterThan(300);
  });

  test.concurrent.each(REQUEST_CORPUS.map((one) => [one.verdict, one.name, one] as const))('%s: %s', async (verdict, _name, one) => {
    const { responses, nextRequest } = await runRequestCase(gateway.port, one);
    const outbound = outboundOf(`case=${one.id}`);
    const [first] = responses;
    if (verdict === 'forward') {
      expect(outbound.length).toBe(1);
      expect(first === undefined ? undefined : statusOf(first)).toBe(200);
      if (one.outboundBody !== undefined) expect(outbound[0]?.body.toString('latin1')).toBe(one.outboundBody);
      if (one.pipelined !== true) expect(nextRequest).not.toBe('refused');
    } else if (one.pipelined !== true) {
      expect(outbound).toEqual([]);
      if (verdict === 'refuse') expect(first === undefined ? undefined : statusOf(first)).toBe(one.status ?? 400);
      for (const response of responses) expectGatewayError(response, one);
      expect(nextRequest).not.toBe('refused');
    }
    for (const late of responses.slice(1)) expectGatewayError(late, one);
  });
});

test('nothing else reached the upstream, and every byte of it is well framed', () => {
  const { requests, rests } = readRecordedBytes(upstream);
  expect(requests.length).toBe(upstream.requests.length);
  expect(requests.filter((request) => framingProblems(request).length > 0).map((request) => [framingProblems(request), request.bytes.toString('latin1')])).toEqual([]);
  const strays = requests.filter(({ startLine }) => !/[?&](?:case|after)=\d{4}/.test(startLine)).map(({ startLine }) => startLine);
  expect(strays).toEqual([]);
  expect(requests.filter(({ bytes }) => bytes.includes('smuggled')).map(({ bytes }) => bytes.toString('latin1'))).toEqual([]);
  // An upload that was found wrong on its way is cut off, so that no reader can take it for whole.
  expect(rests.filter((rest) => !rest.includes('waits=')).map((rest) => rest.toString('latin1'))).toEqual([]);
});
