import { wholeResponse } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import type { GatewayConfig } from '../../src/config/gateway-config.ts';
import { startLateUpstream, type LateUpstream } from '../late-upstream.ts';
import { startTestGateway } from '../start-test-gateway.ts';
import { ask, entriesFor, startAnswering, startGroupGateway } from './two-upstreams.ts';

/** An upstream whose first answer comes when the test lets it; the key of that request is refused or taken, those of later ones the other way round. */
function startLate(first: 200 | 401): Promise<LateUpstream> {
  return startLateUpstream((_request, isFirst) => wholeResponse(isFirst === (first === 401) ? 401 : 200, ['content-type', 'application/json'], '{}'));
}

const configWith = (native: object): GatewayConfig => gatewayConfigSchema.parse({ server: { port: 0 }, anthropic_native: native });

describe('an answer to a request with the credential that was replaced meanwhile', () => {
  test('a 401 does not show the new key of the only upstream as refused', async () => {
    await using upstream = await startLate(401);
    await using gateway = await startTestGateway(upstream.origin, { anthropic_native: { api_key: 'sk-ant-old' } });
    const late = ask(gateway);
    await upstream.arrived;
    gateway.update(configWith({ base_url: upstream.origin, api_key: 'sk-ant-new' }));
    expect((await ask(gateway)).status).toBe(200);
    upstream.answer();
    expect((await late).status).toBe(401);
    await gateway.recorded(2);
    expect(gateway.upstreams()[0]).toMatchObject({ trouble: undefined, refusedAt: 0 });
  });

  test('a 401 does not show the new key of one of several as refused, nor cools it down', async () => {
    await using upstream = await startLate(401);
    await using second = await startAnswering();
    const [a, b] = entriesFor([upstream.origin, second.origin]);
    await using gateway = await startGroupGateway([a ?? {}, b ?? {}]);
    const late = ask(gateway);
    await upstream.arrived;
    gateway.update(configWith({ upstreams: [{ ...a, credential: { api_key: 'sk-ant-new' } }, b] }));
    upstream.answer();
    expect((await late).status).toBe(200);
    await gateway.recorded(1);
    expect(second.requests).toHaveLength(1);
    expect(gateway.upstreams()[0]).toMatchObject({ trouble: undefined, refusedAt: 0, member: { state: 'well' } });
  });

  test('a success does not show the new key as good that was refused', async () => {
    await using upstream = await startLate(200);
    await using gateway = await startTestGateway(upstream.origin, { anthropic_native: { api_key: 'sk-ant-old' } });
    const late = ask(gateway);
    await upstream.arrived;
    gateway.update(configWith({ base_url: upstream.origin, api_key: 'sk-ant-new' }));
    expect((await ask(gateway)).status).toBe(401);
    upstream.answer();
    expect((await late).status).toBe(200);
    await gateway.recorded(2);
    expect(gateway.upstreams()[0]).toMatchObject({ trouble: { cause: 'credential_refused' } });
  });
});
