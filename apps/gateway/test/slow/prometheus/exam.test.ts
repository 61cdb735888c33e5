// The exam of an operator in front of a real Prometheus: for each incident the alert of its cause fires for its party, and no other one notifies.
import { openRawConnection, startScriptedUpstream, wholeResponse, type RawConnection, type ScriptedUpstream } from '@penstock/test-support';
import { afterEach, describe, expect, test } from 'vitest';
import { hashClientKey } from '../../../src/access/clients/client-key.ts';
import { openStream, startHeldUpstream } from '../../process/open-streams.ts';
import { notified, OF_THE_MACHINE } from './inhibitions.ts';
import { spawnGateway, type SpawnedGateway } from './spawn-gateway.ts';
import { MISSING_TOOLS, startPrometheus, type Prometheus } from './start-prometheus.ts';

const NOTE = MISSING_TOOLS.length === 0 ? '' : ` (skipped: ${MISSING_TOOLS.join(' and ')} not installed)`;
const WITHIN_MS = 120_000;
const DOWN = 'http://127.0.0.1:9';
const CLIENTS = ['alice', 'mallory'].map((name) => ({ name, key_sha256: hashClientKey(`key-of-${name}`) }));
const JSON_TYPE = ['content-type', 'application/json'];

interface Incident {
  readonly gateway: SpawnedGateway;
  readonly prometheus: Prometheus;
}

const stacks: AsyncDisposableStack[] = [];
afterEach(async () => { for (const stack of stacks.splice(0)) await stack.disposeAsync(); });

async function begin(baseUrl: string, document: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {}): Promise<Incident> {
  const stack = new AsyncDisposableStack();
  stacks.push(stack);
  const { anthropic_native: native, ...rest } = document;
  const gateway = stack.use(await spawnGateway({ clients: CLIENTS, anthropic_native: { base_url: baseUrl, api_key: 'sk-ant-api03-simulated', ...native }, ...rest }));
  const prometheus = stack.use(await startPrometheus([{ name: 'penstock-exam', port: gateway.operationsPort, interval: '500ms' }]));
  await prometheus.until('up{job="penstock-exam"} == 1');
  return { gateway, prometheus };
}

async function ask({ gateway }: Incident, path: string, key = 'key-of-alice', body?: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${gateway.port}${path}`, {
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, ...(body === undefined ? {} : { method: 'POST', body }),
  });
  await response.arrayBuffer();
  return response.status;
}

/** Asks again and again until an alert fires. */
async function askUntil(incident: Incident, alert: string, everyMs: number, once: () => Promise<unknown>): Promise<void> {
  const firing = incident.prometheus.until(`ALERTS{alertname="${alert}", alertstate="firing"}`, WITHIN_MS);
  const settled = new AbortController();
  const watched = firing.finally(() => settled.abort());
  while (!settled.signal.aborted) {
    await once();
    await new Promise((resolve) => { setTimeout(resolve, everyMs); });
  }
  await watched;
}

interface Expected {
  readonly cause: string;
  readonly party: string;
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Every place names one cause and one party, and of all alerts that fired one notifies. */
async function expectNamed({ gateway, prometheus }: Incident, { cause, party, alert, labels }: Expected): Promise<void> {
  const read = async (): Promise<{ cause: string; party: string }> => (await (await fetch(`http://127.0.0.1:${gateway.operationsPort}/status.json`)).json() as { verdict: { cause: string; party: string } }).verdict;
  await expect.poll(read, { timeout: WITHIN_MS }).toMatchObject({ cause, party });
  const fired = await prometheus.query('max_over_time(ALERTS{alertstate="firing"}[10m])');
  const firing = fired.map(({ metric }) => metric).filter(({ alertname = '' }) => !OF_THE_MACHINE.has(alertname));
  const names = new Set(notified(firing).map(({ alertname }) => alertname));
  expect([...names], `fired: ${JSON.stringify(firing)}`).toEqual([alert]);
  const own = fired.filter(({ metric }) => metric['alertname'] === alert);
  expect(own).toHaveLength(1);
  expect(own[0]?.metric).toMatchObject(labels);
}

async function answering(answer: () => ReturnType<typeof wholeResponse>): Promise<ScriptedUpstream> {
  return startScriptedUpstream(async (connection) => {
    while ((await connection.nextRequest(600_000)).complete) connection.send(answer());
  });
}

describe.skipIf(MISSING_TOOLS.length > 0)(`the operator's exam in front of a real Prometheus${NOTE}`, { timeout: 400_000 }, () => {
  test('the upstream is down', async () => {
    const incident = await begin(DOWN);
    await askUntil(incident, 'PenstockUpstreamUnreachable', 100, () => ask(incident, '/anthropic/v1/models'));
    await expectNamed(incident, { cause: 'upstream_unreachable', party: 'native', alert: 'PenstockUpstreamUnreachable', labels: { upstream: 'native', severity: 'page' } });
  });

  test('the key of the gateway is revoked', async () => {
    await using upstream = await answering(() => wholeResponse(401, JSON_TYPE, '{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}'));
    const incident = await begin(upstream.origin);
    await askUntil(incident, 'PenstockCredentialRefused', 100, () => ask(incident, '/anthropic/v1/models'));
    await expectNamed(incident, { cause: 'credential_refused', party: 'native', alert: 'PenstockCredentialRefused', labels: { upstream: 'native', severity: 'page' } });
  });

  test('one client holds the pool while another one waits', async () => {
    await using upstream = await startHeldUpstream();
    const incident = await begin(upstream.origin, { anthropic_native: { pool: { max_connections: 4, max_keepalive_connections: 4 }, timeouts: { slot_wait: 120 } } });
    const open: RawConnection[] = [];
    for (let count = 0; count < 4; count += 1) open.push(await openStream(incident.gateway.port, 'key-of-mallory'));
    const victim = await openRawConnection(incident.gateway.port);
    victim.send('GET /anthropic/v1/models HTTP/1.1\r\nHost: localhost\r\nx-api-key: key-of-alice\r\n\r\n');
    await incident.prometheus.until('ALERTS{alertname="PenstockPoolHeldByOneClient", alertstate="firing"}', WITHIN_MS);
    await expectNamed(incident, { cause: 'pool_held_by_one_client', party: 'mallory', alert: 'PenstockPoolHeldByOneClient', labels: { client: 'mallory', upstream: 'native', severity: 'page' } });
    for (const connection of [...open, victim]) connection.close();
  });

  test('the quota is spent', async () => {
    const reset = new Date(Date.now() + 3_600_000).toISOString();
    await using upstream = await answering(() => wholeResponse(429, [
      ...JSON_TYPE, 'anthropic-ratelimit-requests-limit', '60', 'anthropic-ratelimit-requests-remaining', '0', 'anthropic-ratelimit-requests-reset', reset,
    ], '{"type":"error","error":{"type":"rate_limit_error","message":"spent"}}'));
    const incident = await begin(upstream.origin);
    await askUntil(incident, 'PenstockQuotaNearlyGone', 100, () => ask(incident, '/anthropic/v1/models'));
    await expectNamed(incident, { cause: 'quota_spent', party: 'native', alert: 'PenstockQuotaNearlyGone', labels: { upstream: 'native', limit: 'requests', severity: 'ticket' } });
  });

  test('a storm of wrong keys', async () => {
    await using upstream = await answering(() => wholeResponse(200, JSON_TYPE, '{"data":[]}'));
    const incident = await begin(upstream.origin);
    await askUntil(incident, 'PenstockWrongKeys', 20, () => ask(incident, '/anthropic/v1/models', 'pen_of-a-stranger'));
    await expectNamed(incident, { cause: 'wrong_keys', party: 'unauthenticated', alert: 'PenstockWrongKeys', labels: { side: 'native', severity: 'ticket' } });
  });

  test('the backend of the front door is dead', async () => {
    await using upstream = await answering(() => wholeResponse(200, JSON_TYPE, '{"data":[]}'));
    const incident = await begin(upstream.origin, { openai_front_door: { backends: [{ name: 'local', kind: 'openai', base_url: `${DOWN}/v1`, api_key: 'k' }] } });
    await askUntil(incident, 'PenstockUpstreamUnreachable', 100, async () => {
      await ask(incident, '/anthropic/v1/models');
      await ask(incident, '/v1/chat/completions', 'key-of-alice', '{"model":"m","messages":[{"role":"user","content":"hi"}]}');
    });
    await expectNamed(incident, { cause: 'backend_unreachable', party: 'front_door_local', alert: 'PenstockUpstreamUnreachable', labels: { upstream: 'front_door_local', severity: 'page' } });
  });

  test('a client that does not read its answers', async () => {
    const large = Buffer.alloc(32 * 1024 * 1024, 'x');
    await using upstream = await answering(() => wholeResponse(200, ['content-type', 'text/event-stream'], large));
    const incident = await begin(upstream.origin, { anthropic_native: { timeouts: { client_stall: 4 } } });
    const open: RawConnection[] = [];
    await askUntil(incident, 'PenstockSlowClient', 1_000, async () => {
      const connection = await openRawConnection(incident.gateway.port);
      open.push(connection);
      connection.socket.pause();
      connection.send('POST /anthropic/v1/messages HTTP/1.1\r\nHost: localhost\r\nx-api-key: key-of-mallory\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}');
    });
    await expectNamed(incident, { cause: 'slow_client', party: 'mallory', alert: 'PenstockSlowClient', labels: { client: 'mallory', severity: 'ticket' } });
    for (const connection of open) connection.close();
  });

  test('a shutdown with open streams', async () => {
    await using upstream = await startHeldUpstream();
    const incident = await begin(upstream.origin);
    const stream = await openStream(incident.gateway.port, 'key-of-alice');
    incident.gateway.process.kill('SIGTERM');
    await incident.prometheus.until('ALERTS{alertname="PenstockDrainStuck", alertstate="firing"}', WITHIN_MS);
    await expectNamed(incident, { cause: 'draining', party: 'gateway', alert: 'PenstockDrainStuck', labels: { severity: 'ticket' } });
    stream.close();
  });
});
