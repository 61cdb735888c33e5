import { startSimulator, type Simulator } from '@penstock/anthropic-simulator';
import { answerAlways, openRawConnection, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runPenstock } from '../run-penstock.ts';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

let simulator: Simulator;

beforeAll(async () => { simulator = await startSimulator(); });
afterAll(() => simulator.close());

const start = (frontDoor: Record<string, unknown>): Promise<TestGateway> => startTestGateway(simulator.origin, { openai_front_door: { models: [{ model: 'sim-*' }], ...frontDoor } });
const ask = (gateway: TestGateway, body: Record<string, unknown>): Promise<Response> => fetch(`${gateway.origin}/v1/chat/completions`, {
  method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'sim-text', max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }], ...body }),
});
const sent = (): Record<string, unknown> => JSON.parse(simulator.requests.at(-1)?.body.toString() ?? '{}');

describe('later_system_messages', () => {
  const messages = [{ role: 'user', content: 'Hi' }, { role: 'system', content: 'Be brief.' }];

  test('keeps a system message in place where it is inline and the model takes it, and moves it to the top elsewhere', async () => {
    await using inline = await start({ later_system_messages: 'inline', model_capabilities: { 'sim-text': { inline_system: true } } });
    const kept = await ask(inline, { messages });
    expect([kept.status, kept.headers.get('x-penstock-ignored-params')]).toEqual([200, null]);
    expect(sent()).toMatchObject({ messages: [{ role: 'user' }, { role: 'system', content: [{ text: 'Be brief.' }] }] });
    await using hoist = await start({ later_system_messages: 'hoist', model_capabilities: { 'sim-text': { inline_system: true } } });
    const moved = await ask(hoist, { messages });
    expect([moved.status, moved.headers.get('x-penstock-ignored-params')]).toEqual([200, 'messages.system_position']);
    expect(sent()).toMatchObject({ system: [{ text: 'Be brief.' }], messages: [{ role: 'user' }] });
  });
});

describe('json_object', () => {
  test.each([['reject', 400, null], ['ignore', 200, 'response_format']])('%s answers %i', async (setting, status, ignored) => {
    await using gateway = await start({ json_object: setting });
    const response = await ask(gateway, { response_format: { type: 'json_object' } });
    expect([response.status, response.headers.get('x-penstock-ignored-params')]).toEqual([status, ignored]);
  });
});

test('keep_alive_comments fills the silence of a stream with comments, which every OpenAI client skips', async () => {
  const begun = 'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","model":"claude-x","usage":{}}}\n\n';
  const silent = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    connection.send(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n${begun.length.toString(16)}\r\n${begun}\r\n`);
    await connection.closed();
  });
  await using gateway = await startTestGateway(silent.origin, { openai_front_door: { keep_alive_comments: 0.02 } });
  const connection = await openRawConnection(gateway.port);
  const body = JSON.stringify({ model: 'claude-x', stream: true, messages: [{ role: 'user', content: 'Hi' }] });
  connection.send(`POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  const bytes = await connection.waitFor((received) => (received.toString().match(/: keep-alive\n\n/g) ?? []).length >= 5);
  expect(bytes.toString()).not.toMatch(/^event:/m);
  connection.close();
  await silent.close();
});

test.each([1.005, 0.0001])('timeouts.client_stall of %d s leaves the front door open (its package takes whole milliseconds alone)', async (seconds) => {
  await using gateway = await start({ timeouts: { client_stall: seconds } });
  expect((await ask(gateway, {})).status).toBe(200);
});

test('an OpenAI base URL without a path is asked for its root as well (a path must begin with a slash)', async () => {
  const origin = await startScriptedUpstream(answerAlways((request) => wholeResponse(200, ['content-type', 'text/plain'], request.startLine)));
  await using gateway = await startTestGateway(simulator.origin, { openai_front_door: { route_groups: ['front_door_files', 'front_door_unknown'], backends: [{ name: 'other', kind: 'openai', base_url: origin.origin, api_key: 'k' }] } });
  const answers = await Promise.all(['/v1', '/v1?a=1', '/v1/files'].map(async (path) => (await fetch(`${gateway.origin}${path}`)).text()));
  expect(answers).toEqual(['GET / HTTP/1.1', 'GET /?a=1 HTTP/1.1', 'GET /files HTTP/1.1']);
  await origin.close();
});

test('MODEL_CAPABILITIES_JSON tells the gateway\'s own process what a model takes (a test that set it in its own would prove nothing)', async () => {
  const simulated = await startSimulator();
  const boundSent = async (environment: Record<string, string>): Promise<unknown> => {
    await using penstock = await runPenstock({ flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test', ANTHROPIC_BASE_URL: simulated.origin, ...environment } });
    const body = JSON.stringify({ model: 'claude-next-1', messages: [{ role: 'user', content: 'Hi' }] });
    expect((await fetch(`${penstock.origin}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).status).toBe(200);
    return (JSON.parse(simulated.requests.at(-1)?.body.toString() ?? '{}') as { max_tokens?: number }).max_tokens;
  };
  expect(await boundSent({})).toBe(128_000);
  expect(await boundSent({ MODEL_CAPABILITIES_JSON: '{"claude-next-*":{"max_output_tokens":500}}' })).toBe(500);
  await simulated.close();
});
