import { createHash } from 'node:crypto';
import { Agent } from 'node:http';
import { createLimiter } from '../../../../src/access/limits/create-limiter.ts';
import type { Lease, Limiter, LimiterOptions } from '../../../../src/access/limits/limiter.ts';
import type { TokenAmounts } from '../../../../src/access/limits/token-limits.ts';
import { startTestGateway } from '../../../start-test-gateway.ts';
import { boundOf, createPlan, createRandom, type BillingPlan } from './billing-plan.ts';
import { startBillingUpstream, type Bill } from './billing-upstream.ts';
import { runPlan, type Received } from './run-plan.ts';

const KEY = 'pen_a-client-whose-tokens-are-limited';
/** High enough that nothing is refused: what is looked at is what is charged. */
const LIMIT = 1_000_000_000;

/** One mixed request, as its plan, the upstream's bill, the client and the limiter have it. */
export interface Mix {
  readonly plan: BillingPlan;
  readonly bill: Bill;
  readonly received: Received;
  /** How often it was settled, which is once, and to what; refused requests never reserved anything. */
  readonly charges: readonly TokenAmounts[];
}

/** What was left when all requests had ended. */
export interface Mixes {
  readonly mixes: readonly Mix[];
  readonly heldLeases: number;
  readonly heldReservations: number;
}

/** Watches real limiters: which request was charged what. A request is known by its bound. */
function watchLimiters(plans: ReadonlyMap<number, BillingPlan>): { readonly make: (options: LimiterOptions) => Limiter; readonly charges: ReadonlyMap<number, TokenAmounts[]>; readonly limiters: readonly Limiter[]; readonly idle: () => Promise<void> } {
  const charges = new Map<number, TokenAmounts[]>();
  const limiters: Limiter[] = [];
  let open = 0;
  let onIdle: (() => void) | undefined;
  const ids = new Map([...plans.values()].map((plan) => [boundOf(plan) * plan.choices, plan.id]));
  const watch = (lease: Lease): Lease => {
    let id: number | undefined;
    let isOpen = true;
    open += 1;
    return {
      reserve: (bounds) => {
        id = ids.get(bounds.output_tokens_per_minute);
        return lease.reserve(bounds);
      },
      settle: (used) => {
        if (id !== undefined) charges.set(id, [...charges.get(id) ?? [], used]);
        lease.settle(used);
      },
      release: () => {
        lease.release();
        if (isOpen) open -= 1;
        isOpen = false;
        if (open === 0) onIdle?.();
      },
    };
  };
  return {
    charges, limiters,
    make: (options) => {
      const limiter = createLimiter(options);
      limiters.push(limiter);
      return Object.create(limiter, { admit: { value: async (name: string) => {
        const admission = await limiter.admit(name);
        return admission.ok ? { ok: true, lease: watch(admission.lease) } : admission;
      } } }) as Limiter;
    },
    idle: () => new Promise((resolve) => {
      if (open === 0) resolve();
      else onIdle = resolve;
    }),
  };
}

/** Runs `count` requests at random, up to `concurrency` at once, through a real gateway in front of an upstream that bills. */
export async function runMixes({ seed, count, concurrency }: { readonly seed: number; readonly count: number; readonly concurrency: number }): Promise<Mixes> {
  const random = createRandom(seed);
  const plans = new Map(Array.from({ length: count }, (_, id) => [id, createPlan(id, random)]));
  // Answers that are whole show how many bytes a token of each model has; later ones are estimated by it.
  const warmUps = (['native', 'translated', 'relayed'] as const).flatMap((way) => (['claude-four', 'claude-two'] as const).map((model, index): BillingPlan => ({
    id: count + (way === 'native' ? 0 : way === 'translated' ? 2 : 4) + index, way, model, isStream: true, coding: 'identity', pieces: 20, tokensPerPiece: 20, choices: 1,
    prompt: '', reportsUsage: true, status: 200, cutAt: Number.POSITIVE_INFINITY, leaveAt: Number.POSITIVE_INFINITY, isBatch: false,
  })));
  for (const plan of warmUps) plans.set(plan.id, plan);
  const watched = watchLimiters(plans);
  await using upstream = await startBillingUpstream(plans);
  await using gateway = await startTestGateway('http://127.0.0.1:1', {
    log: { level: 'error' },
    anthropic_native: { base_url: upstream.origin, pool: { max_connections: 100, max_keepalive_connections: 100, max_waiting: 1_000 } },
    openai_front_door: {
      pool: { max_connections: 100, max_keepalive_connections: 100, max_waiting: 1_000 },
      backends: [{ name: 'a', kind: 'anthropic', base_url: upstream.origin, api_key: 'k' }, { name: 'o', kind: 'openai', base_url: `${upstream.origin}/v1`, api_key: 'k' }],
      models: [{ model: 'relayed-*', backend: 'o' }, { model: 'claude-*', backend: 'a' }],
    },
    clients: [{ name: 'limited', key_sha256: createHash('sha256').update(KEY).digest('hex'), limits: { input_tokens_per_minute: LIMIT, output_tokens_per_minute: LIMIT } }],
  }, { makeLimiter: watched.make });
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const received = new Map<number, Received>();
  const run = async (plan: BillingPlan): Promise<void> => { received.set(plan.id, await runPlan(gateway.port, KEY, plan, agent)); };
  for (const plan of warmUps) await run(plan);
  const queue = [...plans.values()].slice(0, count);
  await Promise.all(Array.from({ length: concurrency }, async () => {
    for (let plan = queue.pop(); plan !== undefined; plan = queue.pop()) await run(plan);
  }));
  await watched.idle();
  agent.destroy();
  return {
    mixes: [...plans.values()].map((plan) => ({
      plan, bill: upstream.bills.get(plan.id) ?? { input: 0, output: 0 }, received: received.get(plan.id) ?? { status: 0, textBytes: 0, isWhole: false }, charges: watched.charges.get(plan.id) ?? [],
    })),
    heldLeases: watched.limiters.reduce((sum, { held }) => sum + held, 0),
    heldReservations: watched.limiters.reduce((sum, { reservations }) => sum + reservations, 0),
  };
}
