// The exam of an operator: for each incident, the verdict, /status.json, the page and (where readiness is concerned) /readyz name one cause and one party.
import { wholeResponse } from '@penstock/test-support';
import { afterEach, expect, test } from 'vitest';
import { hashClientKey } from '../../../src/access/clients/client-key.ts';
import { ask, IncidentRig, INCIDENTS, type Incident, type IncidentName } from './cause-incidents.ts';
import type { WatchedGateway } from './start-watched-gateway.ts';

let rig = new IncidentRig();
afterEach(async () => {
  await rig.dispose();
  rig = new IncidentRig();
});

/** A text without its spans, which differ between two readings. */
const withoutSpans = (text: string): string => text.replaceAll('&#39;', "'").replaceAll(/(?:\d+ (?:ms|s|min|h)\b ?)+/g, 'SPAN');

/** Expects every place to name the same cause and party. */
async function expectNamed(gateway: WatchedGateway, { cause, party, readyPart }: Pick<Incident, 'cause' | 'party' | 'readyPart'>): Promise<void> {
  await expect.poll(async () => (await gateway.readStatus()).verdict, { timeout: 30_000 }).toMatchObject({ cause, party });
  const { verdict, findings } = await gateway.readStatus();
  // Nothing else is named beside it.
  expect(findings).toEqual([verdict]);
  const page = await (await fetch(`${gateway.watch}/`)).text();
  const [, severity, sentence = ''] = /<div id="verdict" role="status"><p class="sentence (\w+)">(.*?)<\/p>/.exec(page) ?? [];
  expect(severity).toBe(verdict.severity);
  expect(withoutSpans(sentence)).toBe(withoutSpans(verdict.text));
  const { warnings } = await (await fetch(`${gateway.watch}/readyz`)).json() as { warnings: Record<string, string> };
  if (readyPart === undefined) expect(Object.values(warnings).filter((warning) => warning.startsWith(cause))).toEqual([]);
  else expect(warnings[readyPart]).toMatch(new RegExp(`^${cause}: ${party} `));
}

/** What an incident shows besides. */
const DETAILS: Readonly<Record<IncidentName, (gateway: WatchedGateway) => Promise<void>>> = {
  async 'the upstream is down'(gateway) {
    expect((await gateway.readStatus()).failures).toMatchObject([{ fault: 'network', status: 502, client: 'alice' }]);
  },
  async 'the gateway\'s own key is revoked'(gateway) {
    const { failures, verdict, upstreams } = await gateway.readStatus();
    expect(failures).toMatchObject([{ fault: 'gateway', outcome: 'upstream_credential_refused', client: 'alice', upstream: 'native' }]);
    expect(verdict.text).toContain("has refused this gateway's key since");
    expect(upstreams.find(({ name }) => name === 'native')?.trouble).toMatchObject({ cause: 'credential_refused', since: verdict.since });
  },
  async 'one client holds the pool'(gateway) {
    await expect.poll(async () => (await gateway.readStatus()).verdict.text).toMatch(/^mallory holds 4 of 4 connections to the Anthropic API \(native\), the oldest for .*; 1 wait\.$/);
  },
  async 'the quota is spent'(gateway) {
    const { verdict, quotas, failures } = await gateway.readStatus();
    expect(verdict.text).toMatch(/The quota requests is spent; it is full again in (?:59 min \d+ s|1 h)\.$/);
    expect(quotas).toMatchObject([{ upstream: 'native', quota: 'requests', limit: 60, remaining: 0, used_ratio: 1 }]);
    expect(failures).toMatchObject([{ fault: 'upstream', status: 429 }]);
  },
  async 'a storm of wrong keys'(gateway) {
    await gateway.recorded(30);
    await expect.poll(async () => (await gateway.readStatus()).failures).toMatchObject([{ count: 30, fault: 'client', code: 'unauthenticated', client: 'unauthenticated', status: 401 }]);
  },
  async 'the backend of the front door is dead'(gateway) {
    expect((await gateway.readStatus()).upstreams).toMatchObject([{ name: 'native', trouble: null }, { name: 'front_door_local', trouble: { cause: 'backend_unreachable' } }]);
  },
  async 'a client does not read its answer'(gateway) {
    expect((await gateway.readStatus()).open.requests[0]?.stalled_seconds).toBeGreaterThanOrEqual(3);
  },
  async 'a shutdown with open streams'(gateway) {
    const { verdict, drain, gateway: { state } } = await gateway.readStatus();
    expect(verdict.text).toMatch(/^Shutting down: 3 responses are open \(alice 2, mallory 1\), the oldest for .*; those that are open in .* are broken\.$/);
    expect(drain).toMatchObject({ open: 3, since: verdict.since });
    expect(state).toMatch(/leaving|refusing/);
    rig.finish();
    await expect.poll(async () => (await gateway.readStatus()).verdict.text).toBe('Shutting down: no response is open.');
  },
};

test.each(Object.keys(INCIDENTS) as IncidentName[])('%s: verdict, status, page and readiness name one cause and one party', async (name) => {
  const incident: Incident = INCIDENTS[name];
  const gateway = await incident.start(rig);
  expect((await gateway.readStatus()).verdict).toMatchObject({ cause: 'all_well', party: null, since: null, severity: 'none' });
  await incident.happen(gateway, rig);
  await expectNamed(gateway, incident);
  await DETAILS[name](gateway);
});

test.each([
  ['native', '/anthropic/v1/models', undefined],
  ['front_door_local', '/v1/chat/completions', '{"model":"m","messages":[{"role":"user","content":"hi"}]}'],
])('a spent quota of %s is no verdict any more after the reset that the upstream named, without another request', async (party, path, body) => {
  const upstream = await rig.answering(() => wholeResponse(429, ['content-type', 'application/json', 'retry-after', '2'], '{"type":"error","error":{"type":"rate_limit_error","message":"spent"}}'));
  const gateway = await rig.start(upstream.origin, { openai_front_door: { backends: [{ name: 'local', kind: 'openai', base_url: `${upstream.origin}/v1`, api_key: 'k' }] } });
  expect(await ask(gateway, path, 'key-of-alice', body)).toBe(429);
  await expect.poll(async () => (await gateway.readStatus()).failures).toMatchObject([{ fault: 'upstream', status: 429, upstream: party }]);
  await expect.poll(async () => (await gateway.readStatus()).verdict, { timeout: 30_000 }).toMatchObject({ cause: 'all_well', party: null });
  const { warnings } = await (await fetch(`${gateway.watch}/readyz`)).json() as { warnings: Record<string, string> };
  expect(warnings).toEqual({});
});

test('a store of client limits that is away at the start: verdict, status, page and readiness name it and what becomes of requests, before the first request', async () => {
  const limits = { requests_per_minute: 100 };
  const gateway = await rig.start((await rig.answering(() => wholeResponse(200, ['content-type', 'application/json'], '{"data":[]}'))).origin, {
    openai_front_door: { enabled: false }, limits: { store: 'redis://127.0.0.1:1', on_store_failure: 'closed' },
    clients: [{ name: 'alice', key_sha256: hashClientKey('key-of-alice'), limits }],
  });
  await expectNamed(gateway, { cause: 'limit_store_failing', party: 'native', readyPart: 'native_limits' });
  const { verdict } = await gateway.readStatus();
  expect(verdict.text).toMatch(/^The store of client limits fails for the native side since .* UTC: requests of limited clients are refused with 429\.$/);
  expect(verdict.severity).toBe('warning');
  expect(Date.parse(verdict.since ?? '')).toBeLessThanOrEqual(Date.now());
  expect(await ask(gateway, '/anthropic/v1/models', 'key-of-alice')).toBe(429);
});

test('a cause that is over is no verdict any more', async () => {
  let isDown = true;
  const upstream = await rig.answering(() => (isDown
    ? wholeResponse(529, ['content-type', 'application/json'], '{"type":"error","error":{"type":"overloaded_error","message":"m"}}')
    : wholeResponse(200, ['content-type', 'application/json'], '{"data":[]}')));
  const gateway = await rig.start(upstream.origin);
  expect(await ask(gateway, '/anthropic/v1/models', 'key-of-alice')).toBe(529);
  await expect.poll(async () => (await gateway.readStatus()).verdict).toMatchObject({ cause: 'api_failing', party: 'native', severity: 'warning' });
  isDown = false;
  expect(await ask(gateway, '/anthropic/v1/models', 'key-of-alice')).toBe(200);
  await expect.poll(async () => (await gateway.readStatus()).verdict).toMatchObject({ cause: 'all_well', party: null, since: null, severity: 'none' });
});
