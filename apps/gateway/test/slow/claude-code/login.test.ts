import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPageBrowser } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { startSignInGateway } from '../../sign-in/signed-in-gateway.ts';
import { message, text } from '../clients/api-answers.ts';
import { printSkipped } from '../clients/client-cache.ts';
import { startScriptedApi } from '../clients/scripted-api.ts';
import { CLAUDE_CODE_VERSION, findClaudeCode } from './claude-code-binary.ts';
import { openTerminal, whyNoTerminal } from './terminal.ts';

const { program, client } = findClaudeCode();
const missing = 'missing' in client ? client.missing : whyNoTerminal();
printSkipped('/login of Claude Code at the gateway', missing === undefined ? client : { missing });

/** The head of a session that is signed in, with the prompt. */
const IS_READY = /Cloud gateway[\s\S]*❯/;

describe.skipIf(missing !== undefined)(`Claude Code ${CLAUDE_CODE_VERSION}, /login`, () => {
  test('a person signs in through every screen, and the first prompt is answered', async () => {
    await using stack = new AsyncDisposableStack();
    const api = stack.use(await startScriptedApi({ messages: [message([text('Hello from upstream.')])] }));
    const gateway = await startSignInGateway(stack, api.origin);
    const home = mkdtempSync(join(tmpdir(), 'penstock-login-'));
    const work = join(home, 'work');
    mkdirSync(work);
    // The question whether to trust the folder is not the gateway's.
    writeFileSync(join(home, '.claude.json'), JSON.stringify({ projects: { [work]: { hasTrustDialogAccepted: true } } }));
    stack.defer(() => { rmSync(home, { recursive: true, force: true, maxRetries: 5 }); });
    const terminal = openTerminal(stack, {
      command: program, folder: work,
      environment: { HOME: home, PATH: process.env['PATH'] ?? '', TERM: 'xterm-256color', BROWSER: '/bin/false', DISABLE_TELEMETRY: '1', DISABLE_AUTOUPDATER: '1', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' },
      etc: { 'claude-code/managed-settings.json': JSON.stringify({ forceLoginMethod: 'gateway', forceLoginGatewayUrl: gateway.anthropic }) },
    });
    await terminal.shows(/text style|theme/i);
    terminal.type('Enter');
    await terminal.shows(/Enter to connect/);
    terminal.type('Enter');
    await terminal.shows(/Trust gateway/);
    terminal.type('Up');
    terminal.type('Enter');
    const codeScreen = await terminal.shows(/[A-Z]{4}-[A-Z]{4}/);
    expect(codeScreen).toContain('/anthropic/device');
    const [userCode = ''] = /[A-Z]{4}-[A-Z]{4}/.exec(codeScreen) ?? [];
    const browser = createPageBrowser();
    const confirm = await browser.submit(await browser.open(`${gateway.anthropic}/device`), { user_code: userCode });
    expect(confirm.text).toContain(`claude-code/${CLAUDE_CODE_VERSION}`);
    await browser.submit(confirm);
    await terminal.shows(/alice@example\.com/);
    terminal.type('Up');
    terminal.type('Enter');
    await terminal.shows(/Connected to Cloud gateway/i);
    const { enterpriseGateway } = JSON.parse(readFileSync(join(home, '.claude/.credentials.json'), 'utf8')) as { readonly enterpriseGateway: Readonly<Record<string, unknown>> };
    expect(enterpriseGateway).toMatchObject({ url: gateway.anthropic, tokenEndpoint: `${gateway.anthropic}/oauth/token`, revocationEndpoint: `${gateway.anthropic}/oauth/revoke` });
    expect((await gateway.get('/managed/settings', String(enterpriseGateway['jwt']))).status).toBe(404);
    await expect.poll(() => gateway.audited().map(({ event, result }) => `${String(event)} ${String(result)}`)).toEqual(expect.arrayContaining(['device.authorize ok', 'device.verify ok', 'device.callback ok', 'device.approve ok', 'session.mint ok']));
    terminal.type('Enter');
    await terminal.shows(/Security notes[\s\S]*Enter/i);
    terminal.type('Enter');
    await terminal.shows(IS_READY);
    terminal.type('Say hello.');
    terminal.type('Enter');
    await terminal.shows(/Hello from upstream\./);
  });
});
