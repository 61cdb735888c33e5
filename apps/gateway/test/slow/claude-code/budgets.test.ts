import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteDatabase } from '@penstock/claude-code-gateway';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createLedger } from '../../../src/ledger/create-ledger.ts';
import { startSignInGateway, type SignInGateway } from '../../sign-in/signed-in-gateway.ts';
import { message, text } from '../clients/api-answers.ts';
import { printSkipped } from '../clients/client-cache.ts';
import { startScriptedApi, type ScriptedApi } from '../clients/scripted-api.ts';
import { CLAUDE_CODE_VERSION, findClaudeCode } from './claude-code-binary.ts';
import { seedSignedInClient, type StoredSession } from './signed-in-client.ts';
import { openTerminal, whyNoTerminal, type Terminal } from './terminal.ts';

const { program, client } = findClaudeCode();
const noTerminal = 'missing' in client ? client.missing : whyNoTerminal();
printSkipped('budgets as Claude Code shows them', client);
printSkipped('budgets on the screen of Claude Code', noTerminal === undefined ? client : { missing: noTerminal });

const NANO_DOLLARS_A_CENT = 10_000_000n;

interface Stage {
  readonly api: ScriptedApi;
  readonly gateway: SignInGateway;
  readonly session: StoredSession;
  /** Books cents to alice, and resolves when the gateway knows that they are the total. */
  readonly spend: (cents: number, total: number) => Promise<void>;
}

async function setStage(stack: AsyncDisposableStack, budget: object): Promise<Stage> {
  const api = stack.use(await startScriptedApi({ messages: [message([text('Hello from upstream.')])] }));
  const database = openSqliteDatabase(':memory:');
  const gateway = await startSignInGateway(stack, api.origin, { budgets: [{ scope: { user: 'alice' }, share: 'each', ...budget }] }, { database });
  // Another process of the same store, that serves alice as well.
  const replica = createLedger({ database, timing: { flushMs: 10, exchangeMs: 10 } });
  stack.defer(() => replica.close());
  const { accessToken, refreshToken } = await gateway.signIn();
  return {
    api, gateway, session: { accessToken, refreshToken, expiresAt: Date.now() + 86_400_000 },
    async spend(cents, total) {
      replica.record({
        principal: 'alice', kind: 'person', model: 'claude-x', at: Date.now(), requests: 1, tokens: { input: 1, output: 1, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
        webSearches: 0, nanoDollars: BigInt(cents) * NANO_DOLLARS_A_CENT, isEstimated: false, scopes: ['user:alice', 'organization'],
      });
      await expect.poll(async () => {
        const usage = (await (await gateway.get('/api/oauth/usage', accessToken)).json()) as { readonly extra_usage: { readonly used_credits: number } };
        return usage.extra_usage.used_credits;
      }, { timeout: 60_000 }).toBe(total);
    },
  };
}

/** A session on a screen, signed in as `/login` would leave it. */
function openClaudeCode(stack: AsyncDisposableStack, { gateway, session }: Pick<Stage, 'gateway' | 'session'>): Terminal {
  const home = mkdtempSync(join(tmpdir(), 'penstock-budget-'));
  stack.defer(() => { rmSync(home, { recursive: true, force: true, maxRetries: 5 }); });
  mkdirSync(join(home, '.claude'));
  writeFileSync(join(home, '.claude.json'), JSON.stringify({ hasCompletedOnboarding: true, projects: { [home]: { hasTrustDialogAccepted: true } } }));
  writeFileSync(join(home, '.claude/.credentials.json'), JSON.stringify({
    gatewayTrust: { '127.0.0.1': 'http-loopback' },
    enterpriseGateway: {
      url: gateway.anthropic, jwt: session.accessToken, expiresAt: session.expiresAt, tokenEndpoint: `${gateway.anthropic}/oauth/token`,
      revocationEndpoint: `${gateway.anthropic}/oauth/revoke`, idpRefreshToken: session.refreshToken,
    },
  }), { mode: 0o600 });
  return openTerminal(stack, {
    command: program, folder: home, etc: {},
    environment: { HOME: home, PATH: process.env['PATH'] ?? '', TERM: 'xterm-256color', BROWSER: '/bin/false', DISABLE_TELEMETRY: '1', DISABLE_AUTOUPDATER: '1' },
  });
}

afterEach(() => { vi.useRealTimers(); });

describe.skipIf('missing' in client)(`Claude Code ${CLAUDE_CODE_VERSION} of a person with a budget`, () => {
  test('is stopped by the gateway\'s sentence when the budget is spent, and goes on after the reset', async () => {
    await using stack = new AsyncDisposableStack();
    // Ten minutes before the end of a day: the token outlives it.
    const midnight = (Math.floor(Date.now() / 86_400_000) + 1) * 86_400_000;
    vi.useFakeTimers({ toFake: ['Date'], now: midnight - 600_000 });
    const { api, gateway, session, spend } = await setStage(stack, { period: 'daily', amount_cents: 500 });
    const claude = seedSignedInClient(stack, program, gateway.anthropic, session);
    expect(await claude.run()).toEqual({ exit: 0, printed: 'Hello from upstream.' });
    await spend(500, 500);
    const before = api.seen().length;
    const stopped = await claude.run();
    expect(stopped.exit).not.toBe(0);
    expect(stopped.printed).toMatch(/Your daily budget of \$5\.00 at this gateway is spent · resets \d{1,2} \w+ \d{4}, 00:00 UTC · Ask those who run this gateway for more\./);
    expect(api.seen()).toHaveLength(before);
    vi.setSystemTime(midnight + 1_000);
    expect(await claude.run()).toEqual({ exit: 0, printed: 'Hello from upstream.' });
  });
});

describe.skipIf(noTerminal !== undefined)(`Claude Code ${CLAUDE_CODE_VERSION}, on the screen`, () => {
  test('warns at 75 % and at 95 %, /usage shows the spending to the cent, and the spent budget is the gateway\'s sentence', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, session, spend } = await setStage(stack, { period: 'monthly', amount_cents: 50_000 });
    await spend(38_017, 38_017);
    const terminal = openClaudeCode(stack, { gateway, session });
    await terminal.shows(/❯/);
    terminal.type('Say hello.');
    terminal.type('Enter');
    await terminal.shows(/You've used 76% of your usage credits/);
    terminal.type('/usage');
    terminal.type('Enter');
    expect(await terminal.shows(/spent this month/)).toMatch(/76% used\s+\$380\.17 \/ \$500\.00 spent this month/);
    await spend(10_000, 48_017);
    // One session shows its notice once.
    const later = openClaudeCode(stack, { gateway, session });
    await later.shows(/❯/);
    later.type('Say hello again.');
    later.type('Enter');
    await later.shows(/You've used 96% of your usage credits/);
    await spend(1_983, 50_000);
    later.type('Say hello once more.');
    later.type('Enter');
    await later.shows(/Your monthly budget of \$500\.00 at this gateway is spent/);
  });
});
