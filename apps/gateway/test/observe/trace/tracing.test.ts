import { startSimulator, type Simulator } from '@penstock/anthropic-simulator';
import { fieldValues, startScriptedUpstream } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Environment } from '../../../src/config/reading/overrides.ts';
import { readTracingSettings } from '../../../src/observe/trace/read-tracing-settings.ts';
import { startTestGateway, TEST_KEY, type ConfigDocument, type TestGateway } from '../../start-test-gateway.ts';
import { startCollector, type CollectedSpan, type Collector } from './start-collector.ts';

const SERVER = 2;
const CLIENT = 3;
const ERROR = 2;
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const PARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`;
const UNSAMPLED_PARENT = `00-${TRACE_ID}-b7ad6b7169203331-00`;
const SECRET_PROMPT = 'the prompt that must stay secret';

let simulator: Simulator;
let collector: Collector;
let gateway: TestGateway;

/** A gateway that exports to the collector at once. */
function startTraced(origin: string, environment: Environment, document: ConfigDocument = {}): Promise<TestGateway> {
  const { settings } = readTracingSettings({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_BSP_SCHEDULE_DELAY: '20', ...environment });
  if (settings === undefined) throw new Error('tracing is off');
  return startTestGateway(origin, { openai_front_door: { models: [{ model: 'sim-*' }, { model: 'claude-*' }] }, ...document }, { tracing: settings });
}

beforeAll(async () => {
  simulator = await startSimulator();
  collector = await startCollector();
  gateway = await startTraced(simulator.origin, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.origin, OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=collector%20secret', OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
  });
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([collector.close(), simulator.close()]);
});

interface Question {
  readonly path?: string;
  readonly model?: string;
  readonly stream?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Asks a gateway and reads the whole answer. */
async function ask(target: TestGateway, { path = '/anthropic/v1/messages', model = 'sim-text', stream = true, headers = {} }: Question = {}): Promise<Response> {
  const body = JSON.stringify({ model, max_tokens: 300, stream, messages: [{ role: 'user', content: SECRET_PROMPT }] });
  const response = await fetch(target.origin + path, { method: 'POST', body, headers: { 'content-type': 'application/json', 'x-api-key': 'sk-ant-clients-secret', ...headers } });
  await response.text();
  return response;
}

/** The spans of the request with an id, outbound ones by their beginning. */
async function spansOf(from: Collector, requestId: string): Promise<{ server: CollectedSpan; clients: CollectedSpan[] }> {
  for (let count = 1; ; count += 1) {
    const spans = await from.received(count);
    const server = spans.find(({ attributes }) => attributes['penstock.request_id'] === requestId);
    if (server !== undefined) return { server, clients: spans.filter(({ parentSpanId }) => parentSpanId === server.spanId) };
  }
}

const idOf = (response: Response): string => response.headers.get('x-penstock-request-id') ?? '';
const receivedFields = (name: string): readonly string[] => fieldValues(simulator.requests.at(-1)?.rawHeaders ?? [], name);

describe('a request on the native side', () => {
  test('gets a server span and an upstream span with what the conventions ask for', async () => {
    const response = await ask(gateway);
    const { server, clients: [client] } = await spansOf(collector, idOf(response));
    const { hostname, port } = new URL(gateway.origin);
    expect(server).toMatchObject({ kind: SERVER, name: 'POST /anthropic/v1/messages', status: {} });
    expect(server.status.code ?? 0).toBe(0);
    expect(server.parentSpanId ?? '').toBe('');
    expect(server.attributes).toMatchObject({
      'http.request.method': 'POST', 'http.response.status_code': 200, 'http.route': '/anthropic/v1/messages', 'url.path': '/anthropic/v1/messages', 'url.scheme': 'http',
      'server.address': hostname, 'server.port': Number(port), 'penstock.side': 'native', 'penstock.client': 'anonymous', 'penstock.outcome': 'ok',
    });
    const upstream = new URL(simulator.origin);
    expect(client).toMatchObject({ kind: CLIENT, name: 'chat sim-text', traceId: server.traceId, parentSpanId: server.spanId });
    expect(client?.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'anthropic', 'gen_ai.request.model': 'sim-text', 'gen_ai.response.finish_reasons': ['end_turn'],
      'gen_ai.response.model': expect.any(String) as string, 'gen_ai.usage.input_tokens': expect.any(Number) as number, 'gen_ai.usage.output_tokens': expect.any(Number) as number,
      'http.request.method': 'POST', 'http.response.status_code': 200, 'url.template': '/v1/messages', 'server.address': upstream.hostname, 'server.port': Number(upstream.port),
      'penstock.upstream_request_id': response.headers.get('request-id'),
    });
    expect(server.resource).toMatchObject({ 'service.name': 'penstock', 'service.version': '0.0.0-test', 'deployment.environment.name': 'test' });
  });

  test('has spans that lie within each other and tell the time', async () => {
    const before = Date.now();
    const { server, clients: [client] } = await spansOf(collector, idOf(await ask(gateway)));
    const milliseconds = (nanos: string | undefined): number => Number(BigInt(nanos ?? 0) / 1_000_000n);
    expect(milliseconds(server.startTimeUnixNano)).toBeGreaterThanOrEqual(before - 5);
    expect(BigInt(client?.startTimeUnixNano ?? 0)).toBeGreaterThanOrEqual(BigInt(server.startTimeUnixNano));
    expect(BigInt(server.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(client?.endTimeUnixNano ?? 0));
    expect(milliseconds(server.endTimeUnixNano)).toBeLessThanOrEqual(Date.now() + 5);
  });

  test('goes on with the client\'s trace and hands the upstream its own span (one trace from end to end)', async () => {
    const response = await ask(gateway, { headers: { traceparent: PARENT, tracestate: 'vendor=1,other=x:y' } });
    const { server, clients: [client] } = await spansOf(collector, idOf(response));
    expect(server).toMatchObject({ traceId: TRACE_ID, parentSpanId: 'b7ad6b7169203331' });
    expect(receivedFields('traceparent')).toEqual([`00-${TRACE_ID}-${client?.spanId ?? ''}-01`]);
    expect(receivedFields('tracestate')).toEqual(['vendor=1,other=x:y']);
  });

  test('begins a trace of its own where the client\'s context cannot be read, and drops its state (it belongs to no trace)', async () => {
    const response = await ask(gateway, { headers: { traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, tracestate: 'vendor=1' } });
    const { server, clients: [client] } = await spansOf(collector, idOf(response));
    expect(server.parentSpanId ?? '').toBe('');
    expect(receivedFields('traceparent')).toEqual([`00-${server.traceId}-${client?.spanId ?? ''}-01`]);
    expect(receivedFields('tracestate')).toEqual([]);
  });

  test('an unsampled request: is not traced, and its context is forwarded unchanged', async () => {
    const quiet = await ask(gateway, { headers: { traceparent: UNSAMPLED_PARENT, tracestate: 'vendor=1' } });
    expect(receivedFields('traceparent')).toEqual([UNSAMPLED_PARENT]);
    expect(receivedFields('tracestate')).toEqual(['vendor=1']);
    await spansOf(collector, idOf(await ask(gateway)));
    expect(collector.spans.some(({ attributes }) => attributes['penstock.request_id'] === idOf(quiet))).toBe(false);
  });

  test('has its trace in the log, beside its own id', async () => {
    const response = await ask(gateway, { headers: { traceparent: PARENT } });
    const { server } = await spansOf(collector, idOf(response));
    const line = gateway.logged.find(({ msg, request_id: id }) => msg === 'request' && id === idOf(response));
    expect(line).toMatchObject({ trace_id: TRACE_ID, span_id: server.spanId });
  });

  test('a request refused by the upstream: both spans have its status, and a 4xx is an error of the upstream span alone', async () => {
    const limited = await spansOf(collector, idOf(await ask(gateway, { model: 'sim-rate-limited' })));
    expect(limited.server.attributes).toMatchObject({ 'error.type': '429', 'penstock.outcome': 'upstream_error' });
    expect(limited.server.status.code ?? 0).toBe(0);
    expect(limited.clients[0]).toMatchObject({ status: { code: ERROR }, attributes: { 'error.type': '429', 'http.response.status_code': 429 } });
    const overloaded = await spansOf(collector, idOf(await ask(gateway, { model: 'sim-overloaded' })));
    expect(overloaded.server).toMatchObject({ status: { code: ERROR }, attributes: { 'error.type': '529' } });
  });

  test('a request refused by the gateway: has a server span alone', async () => {
    const response = await fetch(`${gateway.anthropic}/v1/messages`, { method: 'POST', body: '{"model":', headers: { 'content-type': 'application/json' } });
    const { server, clients } = await spansOf(collector, idOf(response));
    expect(clients).toEqual([]);
    expect(server.attributes).toMatchObject({ 'error.type': 'client_error', 'penstock.failure': 'bad_request: invalid_json', 'http.response.status_code': 400 });
    expect(server.status.code ?? 0).toBe(0);
  });

  test('a stream with an error event: both spans are marked as errors', async () => {
    const { server, clients: [client] } = await spansOf(collector, idOf(await ask(gateway, { model: 'sim-stream-error' })));
    for (const span of [server, client]) expect(span).toMatchObject({ status: { code: ERROR }, attributes: { 'error.type': 'stream_error_event' } });
  });

  test('never has an id in its path', async () => {
    const response = await fetch(`${gateway.anthropic}/v1/models/claude-secret-name?beta=true`, { headers: { 'x-api-key': 'x' } });
    await response.text();
    const { server, clients: [client] } = await spansOf(collector, idOf(response));
    expect(server.attributes['url.path']).toBe('/anthropic/v1/models/{model_id}');
    expect(client).toMatchObject({ name: 'GET /v1/models/{model_id}', attributes: { 'url.template': '/v1/models/{model_id}' } });
    expect(client?.attributes['gen_ai.operation.name']).toBeUndefined();
    expect(JSON.stringify([server, client])).not.toContain('claude-secret-name');
  });
});

describe('a request at the front door', () => {
  test('gets both spans, with the client\'s trace and the usage', async () => {
    const response = await ask(gateway, { path: '/v1/chat/completions', headers: { traceparent: PARENT, tracestate: 'vendor=1' } });
    const { server, clients: [client] } = await spansOf(collector, idOf(response));
    expect(server).toMatchObject({ kind: SERVER, traceId: TRACE_ID, name: 'POST /v1/chat/completions', attributes: { 'penstock.side': 'front_door', 'penstock.outcome': 'ok' } });
    expect(client).toMatchObject({ kind: CLIENT, traceId: TRACE_ID, name: 'chat sim-text' });
    expect(client?.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'anthropic', 'gen_ai.request.model': 'sim-text', 'gen_ai.usage.output_tokens': expect.any(Number) as number,
      'url.template': '/v1/messages', 'http.response.status_code': 200,
    });
    expect(receivedFields('traceparent')).toEqual([`00-${TRACE_ID}-${client?.spanId ?? ''}-01`]);
    expect(receivedFields('tracestate')).toEqual(['vendor=1']);
  });

  test('keeps requests apart that run at the same time', async () => {
    const responses = await Promise.all(Array.from({ length: 8 }, () => ask(gateway, { path: '/v1/chat/completions' })));
    for (const response of responses) {
      const { server, clients } = await spansOf(collector, idOf(response));
      expect(clients.map(({ traceId }) => traceId)).toEqual([server.traceId]);
    }
  });

  test('is marked when its stream broke, and when it was refused', async () => {
    const broken = await spansOf(collector, idOf(await ask(gateway, { path: '/v1/chat/completions', model: 'sim-stream-error' })));
    expect(broken.server).toMatchObject({ status: { code: ERROR }, attributes: { 'error.type': 'stream_error_event' } });
    const refused = await spansOf(collector, idOf(await ask(gateway, { path: '/v1/chat/completions', model: 'gpt-unknown' })));
    expect(refused.server.attributes).toMatchObject({ 'http.response.status_code': 404, 'error.type': 'client_error' });
    expect(refused.clients).toEqual([]);
  });
});

test('a stream that the upstream cut is an error on both spans', async () => {
  const upstream = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    connection.send('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\nevent\r\n');
    connection.socket.end();
    await connection.closed();
  });
  const broken = await startTraced(upstream.origin, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.origin}/own/path` });
  await ask(broken).catch(() => undefined);
  const [line] = await broken.recorded(1);
  const { server, clients: [client] } = await spansOf(collector, String(line?.['request_id']));
  for (const span of [server, client]) expect(span).toMatchObject({ status: { code: ERROR }, attributes: { 'error.type': 'upstream_truncated' } });
  expect(collector.exports.at(-1)?.path).toBe('/own/path');
  await broken.close();
  await upstream.close();
});

test('nothing exported holds a prompt, a completion or a secret; the collector\'s own key is in its header alone and never logged', () => {
  expect(collector.spans.length).toBeGreaterThan(20);
  const everything = Buffer.concat(collector.exports.map(({ body }) => body)).toString();
  for (const secret of [SECRET_PROMPT, TEST_KEY, 'sk-ant-clients-secret', 'collector secret']) expect(everything).not.toContain(secret);
  const own = collector.exports.filter(({ path }) => path === '/v1/traces');
  expect(own.every(({ headers }) => headers['x-collector-key'] === 'collector secret')).toBe(true);
  expect(JSON.stringify(gateway.logged)).not.toContain('collector secret');
});

describe('the exporter never touches a request', () => {
  test.each([
    ['refuses every export', { status: 400 }],
    ['answers with an error of its own', { status: 500 }],
  ])('when the collector %s: it is counted', async (_name, behaviour) => {
    const broken = await startCollector(behaviour);
    const served = await startTraced(simulator.origin, { OTEL_EXPORTER_OTLP_ENDPOINT: broken.origin });
    expect((await ask(served)).status).toBe(200);
    await expect.poll(() => served.series('penstock_observer_errors_total')).toBeGreaterThan(0);
    await served.close();
    await broken.close();
  });

  test('when no collector is there: requests are served, and the shutdown is bounded', async () => {
    const served = await startTraced(simulator.origin, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_EXPORTER_OTLP_TIMEOUT: '120000' });
    expect((await ask(served)).status).toBe(200);
    const begun = performance.now();
    await served.close();
    expect(performance.now() - begun).toBeLessThan(30_000);
    expect(await served.series('penstock_observer_errors_total')).toBeGreaterThan(0);
  });

  test('when the collector never answers: the queue stays bounded, what is lost is counted, and the shutdown takes two seconds', async () => {
    const silent = await startCollector({ silent: true });
    const served = await startTraced(simulator.origin, { OTEL_EXPORTER_OTLP_ENDPOINT: silent.origin, OTEL_EXPORTER_OTLP_TIMEOUT: '120000', OTEL_BSP_MAX_QUEUE_SIZE: '4', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2' });
    for (let index = 0; index < 6; index += 1) expect((await ask(served)).status).toBe(200);
    // Two spans a request: two are under way, four wait, six found no room.
    await served.recorded(6);
    expect(await served.series('penstock_observer_errors_total')).toBe(6);
    const begun = performance.now();
    await served.close();
    const took = performance.now() - begun;
    expect(took).toBeGreaterThan(1_900);
    // Its own clock ended it, and not the exporter's of two minutes.
    expect(took).toBeLessThan(30_000);
    await silent.close();
  });

  test('a shutdown sends what is queued', async () => {
    const last = await startCollector();
    const served = await startTraced(simulator.origin, { OTEL_EXPORTER_OTLP_ENDPOINT: last.origin, OTEL_BSP_SCHEDULE_DELAY: '600000' });
    await ask(served);
    expect(last.spans).toEqual([]);
    await served.close();
    expect(last.spans.map(({ kind }) => kind).toSorted((a, b) => a - b)).toEqual([SERVER, CLIENT]);
    await last.close();
  });
});

test('protobuf is the default protocol', async () => {
  const binary = await startCollector();
  const served = await startTraced(simulator.origin, { OTEL_EXPORTER_OTLP_ENDPOINT: binary.origin, OTEL_EXPORTER_OTLP_PROTOCOL: '' });
  const response = await ask(served);
  await served.close();
  expect(binary.exports[0]?.headers['content-type']).toBe('application/x-protobuf');
  expect(binary.exports[0]?.body.includes(idOf(response))).toBe(true);
  await binary.close();
});

test('samplers decide: with always_off nothing is exported and the client\'s context crosses verbatim', async () => {
  const nothing = await startCollector();
  const served = await startTraced(simulator.origin, { OTEL_EXPORTER_OTLP_ENDPOINT: nothing.origin, OTEL_TRACES_SAMPLER: 'always_off' });
  await ask(served, { headers: { traceparent: PARENT } });
  expect(receivedFields('traceparent')).toEqual([PARENT]);
  const [line] = await served.recorded(1);
  expect(line).toMatchObject({ trace_id: TRACE_ID });
  await served.close();
  expect(nothing.exports).toEqual([]);
  await nothing.close();
});
