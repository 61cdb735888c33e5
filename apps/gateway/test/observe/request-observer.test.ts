// One observer for every end of a request: served or refused by either side, or refused before a side took it.
import { startSimulator, type Simulator } from '@penstock/anthropic-simulator';
import { sendRawRequest, statusOf } from '@penstock/test-support';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTracingSettings } from '../../src/observe/trace/read-tracing-settings.ts';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';
import { startCollector, type Collector } from './trace/start-collector.ts';

let simulator: Simulator;
let collector: Collector;
let gateway: TestGateway;

beforeAll(async () => {
  simulator = await startSimulator();
  collector = await startCollector();
  const { settings } = readTracingSettings({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_BSP_SCHEDULE_DELAY: '20', OTEL_EXPORTER_OTLP_ENDPOINT: collector.origin });
  gateway = await startTestGateway(simulator.origin, {}, { tracing: settings });
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([collector.close(), simulator.close()]);
});

const PLAIN = 'Host: localhost\r\nContent-Length: 0\r\n\r\n';

test.each([
  { end: 'before routing, for its base URL', side: 'native', target: '/messages', head: PLAIN, status: 421, code: 'misdirected' },
  { end: 'before routing, for its base URL', side: 'front_door', target: '/v1/v1/chat/completions', head: PLAIN, status: 421, code: 'misdirected' },
  { end: 'before routing, for its head', side: 'native', target: '/anthropic/v1/%2e%2e/messages', head: PLAIN, status: 400, code: 'bad_request' },
  { end: 'before routing, for its head', side: 'front_door', target: '/v1/%2e%2e/models', head: PLAIN, status: 400, code: 'bad_request' },
  { end: 'by its side', side: 'native', target: '/anthropic/v1/no-such-path', head: PLAIN, status: 404, code: 'not_found' },
])('a request of side $side that was refused $end ($status) is in metrics, access log and trace, under the route label of unmatched paths', async ({ side, target, head, status, code }) => {
  const route = side === 'native' ? '/anthropic/*' : '/v1/*';
  const recorded = gateway.logged.filter(({ msg }) => msg === 'request').length;
  const [known = ''] = (await gateway.metrics.registry.metrics()).split('\n').filter((line) => line.startsWith('penstock_requests_total{') && line.includes(`route="${route}"`) && line.includes(`status="${status}"`));
  const before = Number(known.split(' ').at(-1) ?? 0);
  expect(statusOf(await sendRawRequest(gateway.port, `POST ${target} HTTP/1.1\r\n${head}`))).toBe(status);
  const entry = (await gateway.recorded(recorded + 1)).at(-1);
  expect(entry).toMatchObject({ side, route, method: 'POST', status, outcome: 'client_error', failure: code });
  const counted = (await gateway.metrics.registry.metrics()).split('\n').find((line) => line.startsWith('penstock_requests_total{') && line.includes(`side="${side}",route="${route}"`) && line.includes(`status="${status}"`));
  expect(Number(counted?.split(' ').at(-1))).toBe(before + 1);
  const span = await spanOf(String(entry?.['request_id']));
  expect(span).toMatchObject({ name: `POST ${route}`, traceId: entry?.['trace_id'], attributes: { 'penstock.side': side, 'penstock.failure': code, 'http.response.status_code': status } });
});

test('a request for a path of neither side has a log line of its own and no series (both label sets are those of the sides)', async () => {
  const before = gateway.logged.length;
  expect(statusOf(await sendRawRequest(gateway.port, `POST /elsewhere HTTP/1.1\r\n${PLAIN}`))).toBe(404);
  await expect.poll(() => gateway.logged.slice(before)).toMatchObject([{ msg: 'refused', method: 'POST', status: 404, code: 'not_found' }]);
});

async function spanOf(requestId: string): Promise<unknown> {
  for (let count = 1; ; count += 1) {
    const span = (await collector.received(count)).find(({ attributes }) => attributes['penstock.request_id'] === requestId);
    if (span !== undefined) return span;
  }
}
