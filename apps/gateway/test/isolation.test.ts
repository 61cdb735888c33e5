import { startSimulator, type Simulator } from '@penstock/anthropic-simulator';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway } from './start-test-gateway.ts';

let simulator: Simulator;

beforeAll(async () => { simulator = await startSimulator(); });
afterAll(() => simulator.close());

const body = (model: string, more: Record<string, unknown> = {}): RequestInit => ({
  method: 'POST', headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ model, max_tokens: 60, messages: [{ role: 'user', content: 'Say hello' }], ...more }),
});
const health = async (anthropic: string): Promise<unknown> => (await fetch(`${anthropic}/health`)).json();

test('a front door that cannot be made leaves the native side serving, and health degraded', async () => {
  const openai = { name: 'other', kind: 'openai', base_url: simulator.origin };
  await using gateway = await startTestGateway(simulator.origin, { openai_front_door: { backends: [openai], models: [{ model: 'a', upstream_model: 'b' }] } });
  expect((await fetch(`${gateway.anthropic}/v1/messages`, body('sim-text'))).status).toBe(200);
  const refused = await fetch(`${gateway.origin}/v1/chat/completions`, body('a'));
  expect([refused.status, await refused.json()]).toMatchObject([500, { error: { type: 'api_error' } }]);
  expect(await health(gateway.anthropic)).toMatchObject({ status: 'degraded' });
  expect(gateway.warnings()).toHaveProperty('front_door');
  expect(gateway.logged.some(({ level, side }) => level === 50 && side === 'front_door')).toBe(true);
});

test('a native side that cannot be made leaves the front door serving, and its health page says so', async () => {
  // A rule that would let cookies cross can never hold, so the header policy refuses it.
  await using gateway = await startTestGateway(simulator.origin, {
    anthropic_native: { allow_request_headers: ['cookie'] }, openai_front_door: { models: [{ model: 'sim-*' }] },
  });
  expect((await fetch(`${gateway.origin}/v1/chat/completions`, body('sim-text'))).status).toBe(200);
  const refused = await fetch(`${gateway.anthropic}/v1/messages`, body('sim-text'));
  expect([refused.status, await refused.json()]).toMatchObject([500, { type: 'error', error: { type: 'api_error' } }]);
  expect(await health(gateway.anthropic)).toMatchObject({ status: 'degraded', service: 'anthropic-native' });
});

test('a front door that is switched off names the setting, in OpenAI\'s shape', async () => {
  await using gateway = await startTestGateway(simulator.origin, { openai_front_door: { enabled: false } });
  const response = await fetch(`${gateway.origin}/v1/chat/completions`, body('x'));
  expect([response.status, await response.json()]).toMatchObject([404, { error: { message: expect.stringContaining('openai_front_door.enabled') as string, code: 'not_found' } }]);
  expect(await health(gateway.anthropic)).toMatchObject({ status: 'healthy' });
});

test('a front door whose pool is full and whose queue overflows is not noticed on the native side', async () => {
  await using gateway = await startTestGateway(simulator.origin, {
    openai_front_door: { models: [{ model: 'sim-*' }], pool: { max_connections: 1, max_waiting: 50 }, timeouts: { slot_wait: 600 } },
  });
  const stop = new AbortController();
  const saturating = Array.from({ length: 100 }, () =>
    fetch(`${gateway.origin}/v1/chat/completions`, { ...body('sim-slow', { stream: true }), signal: stop.signal }).then((response) => response.status).catch(() => 0));
  const statuses = Promise.all(saturating);
  await expect.poll(() => gateway.sum(`penstock_upstream_pool_waiting{upstream="front_door_anthropic",origin="${simulator.origin}"}`)).toBeGreaterThan(40);
  const native = await Promise.all(Array.from({ length: 20 }, async () => (await fetch(`${gateway.anthropic}/v1/messages`, body('sim-text'))).status));
  expect(new Set(native)).toEqual(new Set([200]));
  expect(await gateway.sum(`penstock_upstream_pool_waiting{upstream="native",origin="${simulator.origin}"}`)).toBe(0);
  stop.abort();
  expect((await statuses).filter((status) => status === 429).length).toBeGreaterThan(10);
});
