import { openSqliteDatabase } from '@penstock/claude-code-gateway';
import { startScriptedUpstream, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { vi } from 'vitest';
import { hashClientKey } from '../../../src/access/clients/client-key.ts';
import { createLedger } from '../../../src/ledger/create-ledger.ts';
import type { Ledger } from '../../../src/ledger/ledger.ts';
import type { SpendScope } from '../../../src/ledger/ledger-entry.ts';
import type { UsageDocument } from '../../../src/access/budgets/describe-usage.ts';
import { startTestGateway, type ConfigDocument, type TestGateway } from '../../start-test-gateway.ts';
import { cents } from './spend-of-tests.ts';

/** A gateway whose callers have spent something, by the ledger of another process on the same store. */
export interface BudgetWorld extends AsyncDisposable {
  readonly gateway: TestGateway;
  /** Another gateway with the same configuration and store, closed with the world. */
  startOther(): Promise<TestGateway>;
  readonly upstream: ScriptedUpstream;
  /** Books cents to scopes, and resolves when the usage of the client with a budget shows so many cents. */
  spend(amount: number, scopes: readonly SpendScope[], shown: number): Promise<void>;
  /** What that client may ask for. */
  usage(): Promise<UsageDocument>;
  /** Asks for a message, or for another path. */
  ask(client: keyof typeof KEYS, path?: string, init?: RequestInit, of?: TestGateway): Promise<Response>;
}

const ANSWER = JSON.stringify({ id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-haiku-4-5', content: [{ type: 'text', text: 'yes' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } });
const QUOTA = ['anthropic-ratelimit-requests-limit', '50', 'Anthropic-RateLimit-Unified-Status', 'allowed', 'anthropic-ratelimit-tokens-remaining', '9000'];

const BODY = JSON.stringify({ model: 'claude-haiku-4-5', max_tokens: 1, messages: [{ role: 'user', content: 'Hi' }] });

/** The keys of two clients. */
export const KEYS = { capped: 'pen_the-key-of-the-client-with-a-budget-0123', free: 'pen_the-key-of-the-client-without-one-012345' };

/** Both clients, as the configuration has them. */
export const CLIENTS: readonly object[] = Object.entries(KEYS).map(([name, key]) => ({ name, key_sha256: hashClientKey(key) }));

/** Starts one in front of an upstream that reports the quota of the gateway's key. */
export async function startBudgetWorld(document: ConfigDocument, status = 200): Promise<BudgetWorld> {
  const upstream = await startScriptedUpstream(async (connection) => {
    for (;;) {
      await connection.nextRequest();
      connection.send(wholeResponse(status, ['content-type', 'application/json', ...QUOTA], ANSWER));
    }
  });
  const database = openSqliteDatabase(':memory:');
  const other: Ledger = createLedger({ database, timing: { flushMs: 10, exchangeMs: 10 } });
  const gateway = await startTestGateway(upstream.origin, { clients: CLIENTS, ...document }, { database });
  const ask: BudgetWorld['ask'] = (client, path = '/anthropic/v1/messages', init = {}, of = gateway) => fetch(of.origin + path, {
    method: 'POST', body: BODY, ...init, headers: { 'content-type': 'application/json', authorization: `Bearer ${KEYS[client]}` },
  });
  const usage = async (): Promise<UsageDocument> => (await ask('capped', '/anthropic/api/oauth/usage', { method: 'GET', body: null })).json() as Promise<UsageDocument>;
  const others: TestGateway[] = [];
  return {
    gateway, upstream,
    async startOther() {
      const started = await startTestGateway(upstream.origin, { clients: CLIENTS, ...document }, { database: { run: (statements) => database.run(statements), close: () => Promise.resolve() } });
      others.push(started);
      return started;
    },
    async spend(amount, scopes, shown) {
      other.record({
        principal: 'client:capped', kind: 'client', model: 'claude-x', at: Date.now(), requests: 1, tokens: { input: 1, output: 1, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
        webSearches: 0, nanoDollars: cents(amount), isEstimated: false, scopes,
      });
      await vi.waitUntil(async () => (await usage()).extra_usage.used_credits === shown, { timeout: 60_000, interval: 20 });
    },
    usage, ask,
    async [Symbol.asyncDispose]() {
      await Promise.all([other.close(), ...others.map((started) => started.close())]);
      await gateway.close();
      await upstream.close();
    },
  };
}
