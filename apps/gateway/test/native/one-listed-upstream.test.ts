import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fieldValues } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { warningsOf } from '../../src/observe/upstreams/upstream-snapshot.ts';
import { ask, entriesFor, startAnswering, startGroupGateway } from './two-upstreams.ts';

describe('one listed upstream', () => {
  test('a bearer that cannot be read is named by page, readiness, health and log, until a request succeeds', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'penstock-bearer-'));
    const path = join(folder, 'token');
    try {
      await using only = await startAnswering();
      await using gateway = await startGroupGateway(entriesFor([only.origin], [{ credential: { bearer_file: path } }]));
      const answer = await ask(gateway);
      expect([answer.status, answer.headers.get('x-penstock-error')]).toEqual([502, 'upstream_credential']);
      const [line] = await gateway.recorded(1);
      expect(line).toMatchObject({ upstream: 'a', outcome: 'upstream_credential_refused' });
      expect(gateway.upstreams()[0]).toMatchObject({ name: 'a', trouble: { cause: 'credential_refused' } });
      expect(Object.keys(warningsOf(gateway.upstreams()))).toEqual(['a_upstream']);
      expect(await (await fetch(`${gateway.anthropic}/health`)).json()).toMatchObject({ status: 'degraded' });
      writeFileSync(path, 'the-token\n');
      expect((await ask(gateway)).status).toBe(200);
      expect(only.requests.map(({ rawHeaders }) => fieldValues(rawHeaders, 'authorization'))).toEqual([['Bearer the-token']]);
      await gateway.recorded(2);
      expect(gateway.upstreams()[0]).toMatchObject({ trouble: undefined });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('a model that it does not list is a 400, and is not sent; one that it lists is served, and so is a request without a model', async () => {
    await using only = await startAnswering();
    await using gateway = await startGroupGateway(entriesFor([only.origin], [{ models: ['claude-a*'] }]));
    const refused = await ask(gateway, { body: { model: 'claude-b', max_tokens: 1, messages: [] } });
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('No upstream of this gateway serves this model.')]);
    expect(only.requests).toEqual([]);
    expect((await ask(gateway, { body: { model: 'claude-a1', max_tokens: 1, messages: [] } })).status).toBe(200);
    expect((await fetch(`${gateway.anthropic}/v1/models`)).status).toBe(200);
    expect(only.requests).toHaveLength(2);
  });
});
