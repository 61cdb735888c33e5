import { startScriptedUpstream } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import { nativeUpstreams } from '../../src/config/native-upstreams.ts';
import { ask, entriesFor, OVERLOADED, startAnswering, startGroupGateway } from './two-upstreams.ts';

/** An upstream that takes requests and answers none. */
const startSilent = (): ReturnType<typeof startScriptedUpstream> => startScriptedUpstream(async (connection) => { await connection.closed(); });
/** No test lasts so long: a clock of a minute has not run out. */
const LONG = 86_400;
const LONG_CLOCKS = { timeouts: { quick_headers: LONG, stream_headers: LONG, message_headers: LONG } };

describe('timeouts of one upstream', () => {
  test('each clock that is absent is that of the native side', () => {
    const config = gatewayConfigSchema.parse({ anthropic_native: { timeout: 7, timeouts: { idle: 50 }, upstreams: entriesFor(['http://127.0.0.1:1', 'http://127.0.0.1:2'], [{}, { timeouts: { message_headers: 9, idle: 8 } }]) } });
    expect(nativeUpstreams(config).map(({ timeouts }) => [timeouts.quick_headers, timeouts.message_headers, timeouts.stream_headers, timeouts.idle, timeouts.slot_wait])).toEqual([[7, 610, 300, 50, 5], [7, 9, 300, 8, 5]]);
  });

  test.each([
    ['message_headers', '/v1/messages', { model: 'm', max_tokens: 1, messages: [] }], ['stream_headers', '/v1/messages', { model: 'm', max_tokens: 1, stream: true, messages: [] }],
    ['quick_headers', '/v1/messages/count_tokens', { model: 'm', messages: [] }],
  ])('%s bounds the wait for the head of the only listed one, whatever that of the native side', async (clock, path, body) => {
    await using silent = await startSilent();
    await using gateway = await startGroupGateway(entriesFor([silent.origin], [{ timeouts: { [clock]: 0.05 } }]), LONG_CLOCKS);
    const answer = await ask(gateway, { path, body });
    expect([answer.status, answer.headers.get('x-penstock-error')]).toEqual([504, 'upstream_timeout']);
  });

  test('of several each try has those of its upstream: one that is slow by its own clock is not asked next', async () => {
    await using silent = await startSilent();
    await using refusing = await startAnswering(OVERLOADED);
    await using serving = await startAnswering();
    const own = { timeouts: { message_headers: 0.05 } };
    await using gateway = await startGroupGateway(entriesFor([refusing.origin, silent.origin, serving.origin], [{}, own, {}]), { ...LONG_CLOCKS, routing: { cool_down: [600, 600] } });
    // The second try was sent, and may have run.
    expect((await ask(gateway)).status).toBe(504);
    expect(gateway.upstreams().slice(0, 2).map(({ member }) => member?.reason)).toEqual(['status_529', 'headers_timeout']);
    expect((await ask(gateway)).status).toBe(200);
    expect([refusing.requests.length, serving.requests.length]).toEqual([1, 1]);
  });

  test('a reload changes them for requests from then on', async () => {
    await using silent = await startSilent();
    const [entry] = entriesFor([silent.origin]);
    await using gateway = await startGroupGateway([entry ?? {}], LONG_CLOCKS);
    gateway.update(gatewayConfigSchema.parse({ server: { port: 0 }, anthropic_native: { ...LONG_CLOCKS, upstreams: [{ ...entry, timeouts: { message_headers: 0.05 } }] } }));
    expect((await ask(gateway)).status).toBe(504);
  });

  test.each([['client_stall', { client_stall: 5 }], ['idle', { idle: 0 }]])('refuses a wrong %s by its name', (clock, timeouts) => {
    const { error } = gatewayConfigSchema.safeParse({ anthropic_native: { upstreams: entriesFor(['http://127.0.0.1:1'], [{ timeouts }]) } });
    expect(JSON.stringify(error?.issues)).toContain(clock);
  });
});
