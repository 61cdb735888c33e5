// A workload without a browser: Claude Code with the token of an issuer in place of a key.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AUDIENCE, createSigningKey, startOpenIdProvider } from '../../access/identity/openid-provider.ts';
import { startTestGateway } from '../../start-test-gateway.ts';
import { message, text } from '../clients/api-answers.ts';
import { printSkipped } from '../clients/client-cache.ts';
import { startScriptedApi } from '../clients/scripted-api.ts';
import { CLAUDE_CODE_VERSION, findClaudeCode } from './claude-code-binary.ts';
import { runClaudeCode } from './run-claude-code.ts';

const { program, client: installed } = findClaudeCode();
printSkipped('Claude Code with the token of an issuer', installed);

test.skipIf('missing' in installed)(`Claude Code ${CLAUDE_CODE_VERSION} with the token of a workload: is answered, and at once with the first token of a rotated key; one of a withdrawn key is refused without a retry`, async () => {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'penstock-issuer-token-'));
  stack.defer(() => { rmSync(folder, { recursive: true, force: true }); });
  const [first, second] = [await createSigningKey('first'), await createSigningKey('second')];
  const issuer = stack.use(await startOpenIdProvider([first]));
  const api = stack.use(await startScriptedApi({ messages: [message([text('Hello from upstream.')])] }));
  const gateway = stack.use(await startTestGateway(api.origin, {
    identity: { issuers: [{ name: 'ci', issuer: issuer.issuer, audience: [AUDIENCE], require: { owner: ['acme'] } }] }, policies: [{ name: 'machines', match: { issuer: 'ci' } }],
  }));
  const run = async (token: string): Promise<readonly unknown[]> => {
    const { exit, result, errorStatus, retriedAfter } = await runClaudeCode({ program, folder, baseUrl: gateway.anthropic, environment: { ANTHROPIC_API_KEY: '', ANTHROPIC_AUTH_TOKEN: token } });
    return [exit, exit === 0 ? result : errorStatus, retriedAfter];
  };
  const withdrawn = await issuer.issue({ owner: 'acme' });
  expect(await run(withdrawn)).toEqual([0, 'Hello from upstream.', []]);
  // The clocks are those of the product: the keys were fetched a moment ago.
  issuer.rotate([second]);
  expect(await run(await issuer.issue({ owner: 'acme' }))).toEqual([0, 'Hello from upstream.', []]);
  expect(await run(withdrawn)).toEqual([1, 401, []]);
});
