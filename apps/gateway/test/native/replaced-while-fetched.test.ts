import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fieldValues, type WireMessage } from '@penstock/test-support';
import { afterAll, describe, expect, test } from 'vitest';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import { ask, OVERLOADED, startAnswering, startGroupGateway } from './two-upstreams.ts';
import { signatureOf } from './signature-of.ts';

const KEYS = { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const folder = mkdtempSync(join(tmpdir(), 'penstock-replaced-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

function program(name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o700);
  return path;
}

const authorizationOf = (request: WireMessage | undefined): readonly string[] => fieldValues(request?.rawHeaders ?? [], 'authorization');
const expectBearer = (request: WireMessage): void => { expect(authorizationOf(request)).toEqual(['Bearer of-the-new']); };

describe('a reload while a request waits for a credential', () => {
  test.each([
    ['fields that are there', { bearer: 'of-the-new' }, expectBearer],
    ['another command', { bearer_command: [program('new', 'echo of-the-new')] }, expectBearer],
    ['signatures', { aws: KEYS }, (request: WireMessage) => { expect(signatureOf(request, KEYS.secret_access_key).keyId).toBe(KEYS.access_key_id); }],
  ])('makes the request anew with the credential in force (%s), and blames neither', async (_what, credential, check) => {
    await using refusing = await startAnswering(OVERLOADED);
    await using cloud = await startAnswering();
    const never = program('never', 'exec sleep 60');
    const upstreams = (own: object): readonly object[] => [
      { name: 'a', base_url: refusing.origin, credential: { api_key: 'sk-ant-of-a' }, tier: 0 }, { name: 'm', kind: 'bedrock_mantle', base_url: cloud.origin, region: 'us-east-1', credential: own, tier: 1 },
    ];
    await using gateway = await startGroupGateway(upstreams({ bearer_command: [never] }));
    const body = JSON.stringify({ model: 'claude-x', max_tokens: 9, messages: [{ role: 'user', content: 'x'.repeat(200_000) }] });
    const answer = ask(gateway, { body });
    // From then on it waits for the command, which prints nothing.
    await expect.poll(() => gateway.series('penstock_failovers_total{from="a",to="m",reason="status_529"}'), { timeout: 30_000, interval: 10 }).toBe(1);
    gateway.update(gatewayConfigSchema.parse({ server: { port: 0 }, anthropic_native: { upstreams: upstreams(credential) } }));
    expect((await answer).status).toBe(200);
    expect(cloud.requests.length).toBe(1);
    const [request] = cloud.requests as readonly [WireMessage];
    expect(request.body.toString() === body).toBe(true);
    check(request);
    expect((await gateway.recorded(1))[0]).toMatchObject({ outcome: 'ok', upstream: 'm', failovers: ['a:status_529'] });
    expect(gateway.upstreams()[1]).toMatchObject({ name: 'm', trouble: undefined, member: { state: 'well' } });
  });
});
