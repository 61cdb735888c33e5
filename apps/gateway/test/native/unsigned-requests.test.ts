import { describe, expect, test } from 'vitest';
import { ask, startAnswering, startGroupGateway } from './two-upstreams.ts';

const KEYS = { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const signed = (name: string, base_url: string, tier: number): object => ({ name, kind: 'claude_platform_aws', base_url, region: 'us-east-1', workspace_id: 'wrkspc_1', credential: { aws: KEYS }, tier });

describe('a query that cannot be signed', () => {
  test.each(['?x=%ff', '?x=%zz'])('%s is its client\'s error: no upstream is asked or cooled, and the next request is served by the first', async (query) => {
    await using first = await startAnswering();
    await using second = await startAnswering();
    await using gateway = await startGroupGateway([signed('p', first.origin, 0), signed('q', second.origin, 1)]);
    // The package of the credential may be loaded by then, or not.
    for (let count = 1; count <= 3; count++) {
      const refused = await ask(gateway, { path: `/v1/messages${query}` });
      expect([refused.status, refused.headers.get('x-penstock-error'), refused.headers.get('x-should-retry')]).toEqual([400, 'bad_request', 'false']);
      expect(await refused.json()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error', message: expect.stringContaining('cannot be signed') as unknown } });
      expect((await ask(gateway)).status).toBe(200);
      expect([first.requests.length, second.requests.length]).toEqual([count, 0]);
    }
    const lines = await gateway.recorded(6);
    expect(lines.filter(({ outcome }) => outcome !== 'ok').map(({ outcome, upstream, failovers, cause }) => [outcome, upstream, failovers, cause])).toEqual(Array.from({ length: 3 }, () => ['client_error', undefined, undefined, 'bad_request']));
    expect(gateway.upstreams().map(({ trouble, member }) => [trouble, member?.state])).toEqual([[undefined, 'well'], [undefined, 'well']]);
  });
});
