import { fieldValues, openRawConnection, startScriptedUpstream, statusOf, type RawConnection } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import type { GatewayConfig } from '../../src/config/gateway-config.ts';
import type { TestGateway } from '../start-test-gateway.ts';
import { ask, entriesFor, startAnswering, startGroupGateway } from './two-upstreams.ts';

const BODY = '{"model":"claude-x","max_tokens":1,"messages":[]}';

function configWith(upstreams: readonly (object | undefined)[], routing: object = {}): GatewayConfig {
  return gatewayConfigSchema.parse({ server: { port: 0 }, anthropic_native: { upstreams, routing } });
}

/** A request of which the gateway has received a part; `finish` sends the rest and resolves with the status. */
async function beginRequest(gateway: TestGateway, path: string): Promise<{ readonly finish: () => Promise<number> }> {
  const connection: RawConnection = await openRawConnection(gateway.port);
  connection.send(`POST /anthropic${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nanthropic-beta: files-api-2025-04-14\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY.slice(0, 9)}`);
  await expect.poll(() => gateway.series('penstock_buffered_bytes{side="native"}'), { timeout: 30_000 }).toBeGreaterThan(0);
  return {
    async finish() {
      connection.send(BODY.slice(9));
      const status = statusOf(await connection.readMessage({ kind: 'response' }));
      connection.close();
      return status;
    },
  };
}

describe('several upstreams: a reload between two tries of a request', () => {
  test('the old origin gets the old credential and the old path, and nothing of the request goes to the new origin', async () => {
    let refuse = (): void => undefined;
    let arrived = (): void => undefined;
    const isAt = new Promise<void>((resolve) => { arrived = resolve; });
    await using refusing = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      arrived();
      await new Promise<void>((resolve) => { refuse = resolve; });
      connection.send('HTTP/1.1 529 Overloaded\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}');
    });
    await using before = await startAnswering();
    await using after = await startAnswering();
    const [a, b] = entriesFor([before.origin, refusing.origin], [{ tier: 1 }, { tier: 0 }]);
    await using gateway = await startGroupGateway([a ?? {}, b ?? {}]);
    const answer = ask(gateway);
    await isAt;
    gateway.update(configWith([{ ...a, base_url: `${after.origin}/prefix`, credential: { api_key: 'sk-ant-key-of-the-new-origin' } }, b]));
    refuse();
    expect((await answer).status).toBe(200);
    expect(before.requests.map(({ startLine, rawHeaders }) => [startLine, fieldValues(rawHeaders, 'x-api-key')])).toEqual([['POST /v1/messages HTTP/1.1', ['sk-ant-key-of-a']]]);
    expect(after.requests).toEqual([]);
    const [line] = await gateway.recorded(1);
    expect(line).toMatchObject({ upstream: 'a', failovers: ['b:status_529'] });
  });
});

describe('several upstreams: a reload while a body is received', () => {
  test('the request goes to the upstream that is stateful by then', async () => {
    await using first = await startAnswering();
    await using second = await startAnswering();
    await using third = await startAnswering();
    const entries = entriesFor([first.origin, second.origin, third.origin]);
    await using gateway = await startGroupGateway(entries, { routing: { stateful: 'a' } });
    const begun = await beginRequest(gateway, '/v1/messages');
    gateway.update(configWith(entries.slice(1), { stateful: 'c' }));
    expect(await begun.finish()).toBe(200);
    expect([first, second, third].map(({ requests }) => requests.length)).toEqual([0, 0, 1]);
  });

  test('one upstream that is left: the request is served by those that were there when it came, each with its own credential', async () => {
    await using first = await startAnswering();
    await using second = await startAnswering();
    await using moved = await startAnswering();
    const [a, b] = entriesFor([first.origin, second.origin]);
    await using gateway = await startGroupGateway([a ?? {}, b ?? {}], { routing: { stateful: 'a' } });
    const begun = await beginRequest(gateway, '/v1/messages');
    gateway.update(configWith([{ ...a, base_url: moved.origin, credential: { api_key: 'sk-ant-key-of-the-new-origin' } }]));
    expect(await begun.finish()).toBe(200);
    expect(first.requests.map(({ rawHeaders }) => fieldValues(rawHeaders, 'x-api-key'))).toEqual([['sk-ant-key-of-a']]);
    expect([second, moved].map(({ requests }) => requests.length)).toEqual([0, 0]);
  });
});
