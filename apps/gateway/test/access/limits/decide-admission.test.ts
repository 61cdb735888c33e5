import { describe, expect, it } from 'vitest';
import { decideAdmission, type Refusal } from '../../../src/access/limits/decide-admission.ts';
import { createScriptedStore, type ScriptedStore } from './scripted-store.ts';
import { NO_TOKENS, type TokenReading } from '../../../src/access/limits/token-limits.ts';
import type { CounterStore } from '../../../src/access/limits/counter-store.ts';

const LIMITS = { concurrent_requests: 2, requests_per_minute: 5, input_tokens_per_minute: 10 };

/** Decides on a request that is abandoned as soon as a step of that name was asked for. */
async function decide(abandonedAt: keyof CounterStore | undefined, overrides: Partial<CounterStore> = {}): Promise<{ refusal: Refusal | undefined; steps: unknown[]; store: ScriptedStore }> {
  const store = createScriptedStore(overrides);
  const steps = (): unknown[] => store.asked.map(([name]) => name);
  const refusal = await decideAdmission({ store, clientName: 'a', limits: LIMITS, leaseId: 'lease-1', isAbandoned: () => abandonedAt !== undefined && steps().includes(abandonedAt) });
  return { refusal, steps: steps(), store };
}

describe('a decision', () => {
  it('asks first what costs nothing to refuse, and counts the request last', async () => {
    expect(await decide(undefined)).toMatchObject({ refusal: undefined, steps: ['readTokens', 'take', 'add'] });
  });

  it('admission: an abandoned decision takes no place (a place without an owner is never released)', async () => {
    expect((await decide('readTokens')).steps).toEqual(['readTokens']);
  });

  it('admission: an abandoned decision does not count against the minute', async () => {
    expect((await decide('take')).steps).toEqual(['readTokens', 'take']);
  });

  it('gives the place back when the minute is spent', async () => {
    const spent = { add: async () => ({ consumed: 6, resetsInMs: 1_500 }) };
    const { refusal, store } = await decide(undefined, spent);
    expect(refusal).toEqual({ ok: false, limit: 'requests_per_minute', retryAfterSeconds: 2 });
    expect(store.asked.at(-1)).toEqual(['giveBack', 'a:concurrent_requests', 'lease-1']);
  });

  it('refuses a client whose minute is spent, and not one whose other requests only hold what is left (they may use less)', async () => {
    const reading = (used: number): TokenReading => ({ used: { ...NO_TOKENS, input_tokens_per_minute: used }, reserved: { ...NO_TOKENS, input_tokens_per_minute: 10 }, resetsInMs: 59_500 });
    expect((await decide(undefined, { readTokens: async () => reading(10) })).refusal).toEqual({ ok: false, limit: 'input_tokens_per_minute', retryAfterSeconds: 60 });
    expect((await decide(undefined, { readTokens: async () => reading(9) })).refusal).toBeUndefined();
  });

  it('never says to come back at once, however soon the window ends', async () => {
    const readTokens = async (): Promise<TokenReading> => ({ used: { ...NO_TOKENS, input_tokens_per_minute: 10 }, reserved: NO_TOKENS, resetsInMs: 3 });
    expect((await decide(undefined, { readTokens })).refusal).toEqual({ ok: false, limit: 'input_tokens_per_minute', retryAfterSeconds: 1 });
  });
});
