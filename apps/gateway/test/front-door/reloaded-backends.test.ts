import { fieldValues } from '@penstock/test-support';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import type { GatewayConfig } from '../../src/config/gateway-config.ts';
import { createReload } from '../../src/process/reload-config.ts';
import { ask, entriesFor, startAnswering, startGroupGateway } from '../native/two-upstreams.ts';
import type { TestGateway } from '../start-test-gateway.ts';

function configWith(upstreams: readonly object[], more: object = {}): GatewayConfig {
  return gatewayConfigSchema.parse({ server: { port: 0 }, ...more, anthropic_native: { upstreams } });
}

/** A reload as the product makes it; it returns the lines that it logged. */
function reloads(gateway: TestGateway, initial: GatewayConfig): (next: GatewayConfig) => readonly unknown[] {
  let read = initial;
  const logged: unknown[] = [];
  const reload = createReload({
    initial, read: () => ({ config: read, sourcePath: undefined, files: [], warnings: [], simulate: false }), apply: (config) => gateway.update(config),
    onResult: () => undefined, onFiles: () => undefined, logger: pino({ base: null }, { write: (line: string) => { logged.push(JSON.parse(line)); } }),
  });
  return (next) => {
    read = next;
    reload();
    return logged.splice(0);
  };
}

async function chat(gateway: TestGateway, model = 'claude-x'): Promise<number> {
  const answer = await fetch(`${gateway.origin}/v1/chat/completions`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model, max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }] }),
  });
  await answer.arrayBuffer();
  return answer.status;
}

const NO_KEY = { credential: { bearer: 'a-bearer' } };

describe('the backend that the front door copies from the native side, at a reload', () => {
  test('one that there was none of is made at the restart: the rest of the reload is applied, and it is reported and logged', async () => {
    await using first = await startAnswering();
    await using second = await startAnswering();
    const before = entriesFor([first.origin], [NO_KEY]);
    await using gateway = await startGroupGateway(before);
    const reload = reloads(gateway, configWith(before));
    const [b] = entriesFor([first.origin, second.origin]).slice(1);
    expect(reload(configWith([...before, b ?? {}], { log: { level: 'warn' } }))).toMatchObject([{ msg: 'configuration reloaded', applied: ['anthropic_native.upstreams.b', 'log.level'], restart_required: ['openai_front_door.backends'] }]);
    expect(gateway.upstreams().map(({ name }) => name)).toEqual(['a', 'b']);
    expect(gateway.logged.filter(({ models }) => models !== undefined)).toMatchObject([{ level: 40, models: ['claude-*'] }]);
    expect(await chat(gateway)).toBe(404);
    expect((await ask(gateway)).status).toBe(200);
  });

  test('a new key of the same origin is its key, too', async () => {
    await using first = await startAnswering();
    const before = entriesFor([first.origin]);
    await using gateway = await startGroupGateway(before);
    const reload = reloads(gateway, configWith(before));
    await chat(gateway);
    expect(reload(configWith([{ ...before[0], credential: { api_key: 'sk-ant-next' } }]))).toMatchObject([{ restart_required: [] }]);
    await chat(gateway);
    expect(first.requests.map(({ rawHeaders }) => fieldValues(rawHeaders, 'x-api-key'))).toEqual([['sk-ant-key-of-a'], ['sk-ant-next']]);
  });

  test('one of another origin needs a restart, at this reload and at all that follow: its key is not sent to the old origin', async () => {
    await using first = await startAnswering();
    await using second = await startAnswering();
    const before = entriesFor([first.origin]);
    await using gateway = await startGroupGateway(before);
    const reload = reloads(gateway, configWith(before));
    const moved = [{ ...before[0], base_url: second.origin, credential: { api_key: 'sk-ant-of-another-origin' } }];
    expect(reload(configWith(moved))).toMatchObject([{ restart_required: ['openai_front_door.backends'] }]);
    expect(reload(configWith(moved, { log: { level: 'warn' } }))).toMatchObject([{ applied: ['log.level'], restart_required: ['openai_front_door.backends'] }]);
    await chat(gateway);
    expect(first.requests.map(({ rawHeaders }) => fieldValues(rawHeaders, 'x-api-key'))).toEqual([['sk-ant-key-of-a']]);
    expect(second.requests).toEqual([]);
  });
});

test('a configuration of which a part cannot be made is refused whole: nothing of it is applied', async () => {
  await using first = await startAnswering();
  await using second = await startAnswering();
  const [a, b] = entriesFor([first.origin, second.origin]);
  await using gateway = await startGroupGateway([a ?? {}]);
  const reload = reloads(gateway, configWith([a ?? {}]));
  const next = configWith([b ?? {}], { server: { port: 0, trusted_proxies: ['127.0.0.1'], cors_origins: ['https://app.example'] }, log: { level: 'error' } });
  // The rules of the configuration let no such number pass; here it stands for whatever cannot be made.
  const broken: GatewayConfig = { ...next, openai_front_door: { ...next.openai_front_door, max_output_tokens: -1 } };
  expect(() => { gateway.update(broken); }).toThrow();
  expect(gateway.upstreams()[0]?.name).toBe('a');
  const answer = await ask(gateway, { headers: { origin: 'https://app.example' } });
  expect(answer.status).toBe(403);
  await ask(gateway);
  expect([first.requests.length, second.requests.length]).toEqual([1, 0]);
  expect(reload(next)).toMatchObject([{ msg: 'configuration reloaded' }]);
  await ask(gateway);
  expect([first.requests.length, second.requests.length]).toEqual([1, 1]);
});
