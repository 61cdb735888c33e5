import { describe, expect, it } from 'vitest';
import { decideAdmission, type Refusal } from '../../src/limits/decide-admission.ts';
import { createScriptedStore, type ScriptedStore } from './scripted-store.ts';
import type { CounterStore } from '../../src/limits/counter-store.ts';

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
    expect(await decide(undefined)).toMatchObject({ refusal: undefined, steps: ['read', 'take', 'add'] });
  });

  it('that nobody waits for any more takes no place (nobody would give it back)', async () => {
    expect((await decide('read')).steps).toEqual(['read']);
  });

  it('that nobody waits for any more does not use up the minute', async () => {
    expect((await decide('take')).steps).toEqual(['read', 'take']);
  });

  it('gives the place back when the minute is spent', async () => {
    const spent = { add: async () => ({ consumed: 6, resetsInMs: 1_500 }) };
    const { refusal, store } = await decide(undefined, spent);
    expect(refusal).toEqual({ ok: false, limit: 'requests_per_minute', retryAfterSeconds: 2 });
    expect(store.asked.at(-1)).toEqual(['giveBack', 'a:concurrent_requests', 'lease-1']);
  });

  it('never says to come back at once, however soon the window ends', async () => {
    const read = async (): Promise<{ consumed: number; resetsInMs: number }> => ({ consumed: 10, resetsInMs: 3 });
    expect((await decide(undefined, { read })).refusal).toEqual({ ok: false, limit: 'input_tokens_per_minute', retryAfterSeconds: 1 });
  });
});
