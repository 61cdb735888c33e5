// What Claude Code sends beside its requests to the API.
import { pino } from 'pino';
import { answerAlways, fieldValues, startScriptedUpstream, statusOf, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashClientKey } from '../../src/access/clients/client-key.ts';
import { ask, JSON_TYPE } from '../field-reports/native-request.ts';
import { startTestGateway } from '../start-test-gateway.ts';

const KEY = `pen_${'k'.repeat(43)}`;
let upstream: ScriptedUpstream;
beforeAll(async () => { upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{}'))); });
afterAll(() => upstream.close());

const PATHS = ['/api/event_logging/batch', '/api/event_logging/v2/batch', '/api/claude_code/metrics', '/api/oauth/profile'];

test.each([['with a key', `${JSON_TYPE}x-api-key: ${KEY}\r\n`], ['without one', JSON_TYPE]])('telemetry of a client %s is 404, never forwarded, counted, and in the log at debug only (a line for each batch hides the others)', async (_name, fields) => {
  await using gateway = await startTestGateway(upstream.origin, { clients: [{ name: 'alice', key_sha256: hashClientKey(KEY) }], anthropic_native: { allow_unknown_routes: true } });
  const logged = gateway.logged.length;
  for (const path of PATHS) {
    const response = await ask(gateway.port, { path, fields, body: '{"events":[]}' });
    expect([statusOf(response), fieldValues(response.rawHeaders, 'x-penstock-error'), fieldValues(response.rawHeaders, 'connection')]).toEqual([404, ['not_found'], ['keep-alive']]);
  }
  await expect.poll(() => gateway.series('penstock_requests_total{side="native",route="/anthropic/*",method="POST",status="404",outcome="client_error",fault="client",client="unauthenticated"}')).toBe(PATHS.length);
  expect([gateway.logged.slice(logged), upstream.requests.length]).toEqual([[], 0]);
});

test('telemetry of a client is in the log where it has every line', async () => {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level: 'debug', base: null }, { write: (line: string) => { lines.push(JSON.parse(line) as Record<string, unknown>); } });
  await using gateway = await startTestGateway(upstream.origin, { log: { level: 'debug' } }, { processLogger: { logger, flush: () => Promise.resolve(true) } });
  await ask(gateway.port, { path: PATHS[0] as string, body: '{"events":[]}' });
  await expect.poll(() => lines.find(({ msg }) => msg === 'request')).toMatchObject({ level: 20, status: 404, route: '/anthropic/*', method: 'POST' });
});
