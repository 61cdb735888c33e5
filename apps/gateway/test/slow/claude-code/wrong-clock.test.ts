import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { prepareSignIn } from '../../sign-in/run-sign-in.ts';
import { signInAt } from '../../sign-in/sign-in-at.ts';
import { message, text } from '../clients/api-answers.ts';
import { printSkipped } from '../clients/client-cache.ts';
import { startScriptedApi } from '../clients/scripted-api.ts';
import { CLAUDE_CODE_VERSION, findClaudeCode } from './claude-code-binary.ts';
import { seedSignedInClient } from './signed-in-client.ts';

const { program, client: installed } = findClaudeCode();
printSkipped('Claude Code at a gateway whose clock is wrong', installed);

const SHIFTED_CLOCK = pathToFileURL(join(import.meta.dirname, 'shifted-clock.mjs')).href;
const SESSION_TTL_MS = 3_600_000;
const SOON_MS = 200_000;

describe.skipIf('missing' in installed)(`Claude Code ${CLAUDE_CODE_VERSION}, where the gateway's clock is wrong`, () => {
  test.each([['ahead', 180_000], ['behind', -180_000]])('3 minutes %s of client and provider: a person signs in, prompts, refreshes and prompts again', async (_name, shiftMs) => {
    await using stack = new AsyncDisposableStack();
    const api = stack.use(await startScriptedApi({ messages: [message([text('Hello from upstream.')])] }));
    const processes = await prepareSignIn(stack, { store: 'sqlite:state.db' });
    const { base } = await processes.start({ anthropic_native: { base_url: api.origin } }, {
      flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-api03-test-key', NODE_OPTIONS: `--import=${SHIFTED_CLOCK}`, PENSTOCK_TEST_CLOCK_MS: String(shiftMs) },
    });
    const { accessToken, refreshToken } = await signInAt(base, processes.provider);
    const { iat } = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as { readonly iat: number };
    // The clock of the gateway is the one that is wrong.
    expect(Math.abs(iat * 1_000 - Date.now() - shiftMs)).toBeLessThan(90_000);
    const client = seedSignedInClient(stack, program, base, { accessToken, refreshToken, expiresAt: Date.now() + SESSION_TTL_MS });
    expect(await client.run()).toEqual({ exit: 0, printed: 'Hello from upstream.' });
    client.store({ accessToken, refreshToken, expiresAt: Date.now() + SOON_MS });
    expect(await client.run()).toEqual({ exit: 0, printed: 'Hello from upstream.' });
    const refreshed = client.stored();
    expect(refreshed?.refreshToken).not.toBe(refreshToken);
    expect(await client.run()).toEqual({ exit: 0, printed: 'Hello from upstream.' });
    expect(client.stored()).toEqual(refreshed);
  });
});
