/** Which part of the gateway a request goes through. */
export const WAYS = ['native', 'translated', 'relayed'] as const;

/** One of `WAYS`. */
export type Way = (typeof WAYS)[number];

/** Codings that an upstream may choose whatever it was asked for; `unknown` is one that no reader knows. */
export const CODINGS = ['identity', 'gzip', 'deflate', 'br', 'zstd', 'unknown'] as const;

/** One of `CODINGS`. */
export type Coding = (typeof CODINGS)[number];

/** What happens to one request, decided before it is sent. */
export interface BillingPlan {
  readonly id: number;
  readonly way: Way;
  readonly isStream: boolean;
  /** Models differ in the bytes that a token of theirs has. */
  readonly model: 'claude-four' | 'claude-two';
  readonly coding: Coding;
  /** Pieces of text that the model writes. */
  readonly pieces: number;
  readonly tokensPerPiece: number;
  readonly choices: number;
  readonly prompt: string;
  /** Whether the answer says what it cost. Anthropic's always does. */
  readonly reportsUsage: boolean;
  /** An error status instead of an answer. */
  readonly status: number;
  /** The upstream cuts its answer before this piece; infinite for one that it ends. */
  readonly cutAt: number;
  /** The client leaves when it has so many pieces; infinite for one that stays, 0 before the head. */
  readonly leaveAt: number;
  /** A batch is asked for instead. */
  readonly isBatch: boolean;
}

export const BYTES_PER_TOKEN: Readonly<Record<BillingPlan['model'], number>> = { 'claude-four': 4, 'claude-two': 2 };

/** Each request has a bound of its own, by which what is reserved and charged for it is recognised. */
export function boundOf({ id }: BillingPlan): number {
  return 100_000 + id;
}

/** One piece of text. It can be counted in what arrives, in whatever protocol. */
export function pieceOf({ model, tokensPerPiece }: BillingPlan): string {
  return '~'.repeat(tokensPerPiece * BYTES_PER_TOKEN[model]);
}

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A plan at random. */
export function createPlan(id: number, random: () => number): BillingPlan {
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <Value>(values: readonly Value[]): Value => values[below(values.length)] as Value;
  const way = pick(WAYS);
  const isStream = random() < 0.7;
  const pieces = 1 + below(30);
  const fate = random();
  return {
    id, way, isStream, pieces,
    model: pick(['claude-four', 'claude-two'] as const),
    coding: way !== 'translated' && random() < 0.4 ? pick(CODINGS) : 'identity',
    tokensPerPiece: 1 + below(40),
    choices: way === 'relayed' ? 1 + below(3) : 1,
    prompt: 'x'.repeat(below(2_000)),
    reportsUsage: way !== 'relayed' || random() < 0.5,
    status: random() < 0.05 ? pick([400, 429, 500, 529]) : 200,
    cutAt: fate < 0.2 ? below(pieces + 1) : Number.POSITIVE_INFINITY,
    leaveAt: fate >= 0.2 && fate < 0.5 ? below(pieces + 1) : Number.POSITIVE_INFINITY,
    isBatch: random() < 0.03,
  };
}
