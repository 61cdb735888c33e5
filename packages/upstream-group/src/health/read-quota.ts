import { MAX_RETRY_AFTER_MS } from './retry-after.ts';

/** What is left of the quota that is nearest to its end. */
export interface Quota {
  /** Of the limit, from 0 to 1. */
  readonly share: number;
  /** When it is full again, in Unix milliseconds. */
  readonly resetsAt: number;
}

/** Reads what a response names of its upstream's quota; `undefined` where it names none. */
export type ReadQuota = (rawHeaders: readonly string[], now: number) => Quota | undefined;

const KINDS: readonly string[] = ['requests', 'tokens', 'input-tokens', 'output-tokens'];
/** What is named of each kind. */
const PARTS: readonly string[] = ['limit', 'remaining', 'reset'];
/** Names in lower case, and where the value of each is put: the parts of one kind stand side by side. */
const NAMES: readonly string[] = KINDS.flatMap((kind) => PARTS.map((part) => `anthropic-ratelimit-${kind}-${part}`));
const PLACES: ReadonlyMap<string, number> = new Map(NAMES.map((name, place) => [name, place]));
const NO_VALUES: readonly (string | undefined)[] = NAMES.map(() => undefined);
const SHORTEST_NAME = Math.min(...NAMES.map(({ length }) => length));
const LOWER_A = 0x61;
const DIGIT_0 = 0x30;
/** Numbers of more digits are not all exact. */
const MAX_DIGITS = 15;
/** Where no reset is named: the limits are by the minute. */
const DEFAULT_RESET_MS = 60_000;

/**
 * Reads the fields `anthropic-ratelimit-*` of the Anthropic API: of requests, tokens, input and output tokens the one of which the smallest share is
 * left. https://docs.anthropic.com/en/api/rate-limits#response-headers
 */
export function readAnthropicQuota(rawHeaders: readonly string[], now: number): Quota | undefined {
  const least = readLeastShare(rawHeaders, now);
  return least === undefined ? undefined : { share: least.share, resetsAt: least.resetsAt };
}

/** The same, with a date that is read only where it is asked for: of most responses it is not, since enough of the quota is left. */
export function readLeastShare(rawHeaders: readonly string[], now: number): Quota | undefined {
  const values = valuesOf(rawHeaders);
  if (values === undefined) return undefined;
  let leastShare = Number.POSITIVE_INFINITY;
  let reset: string | undefined;
  for (let place = 0; place < NAMES.length; place += PARTS.length) {
    const limit = numberOf(values[place]);
    if (limit === 0) continue;
    const share = Math.min(numberOf(values[place + 1]) / limit, 1);
    // Not a number where one of them is none: that is below nothing.
    if (share < leastShare) {
      leastShare = share;
      reset = values[place + 2];
    }
  }
  return leastShare === Number.POSITIVE_INFINITY ? undefined : new LeastShare(leastShare, reset, now);
}

class LeastShare implements Quota {
  readonly share: number;
  readonly #reset: string | undefined;
  readonly #now: number;

  constructor(share: number, reset: string | undefined, now: number) {
    this.share = share;
    this.#reset = reset;
    this.#now = now;
  }

  get resetsAt(): number {
    const reset = Date.parse(this.#reset ?? '');
    return Number.isFinite(reset) && reset > this.#now ? Math.min(reset, this.#now + MAX_RETRY_AFTER_MS) : this.#now + DEFAULT_RESET_MS;
  }
}

/** Stands for the place before the first one. */
const START = NAMES.length;
/** Which name followed each in the last response that had it, and which came first: the next response mostly has the same order. */
const followers: number[] = [...NAMES.map((_, place) => place + 1), 0];

/** The values of the quota's fields, in the order of `NAMES`; of a field that is repeated the last one. */
function valuesOf(rawHeaders: readonly string[]): readonly (string | undefined)[] | undefined {
  let values: (string | undefined)[] | undefined;
  let previous = START;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    // An `a` in either case; every other field leaves here.
    if (name.length < SHORTEST_NAME || (name.charCodeAt(0) | 0x20) !== LOWER_A) continue;
    // To compare two texts costs a part of looking one up.
    const expected = followers[previous] as number;
    const place = name === NAMES[expected] ? expected : PLACES.get(name) ?? PLACES.get(name.toLowerCase());
    if (place === undefined) continue;
    followers[previous] = place;
    previous = place;
    values ??= NO_VALUES.slice();
    values[place] = rawHeaders[index + 1];
  }
  return values;
}

/** An integer of at most 15 digits, with or without blanks around it; any other text is not a number. */
function numberOf(text: string | undefined): number {
  if (text === undefined) return Number.NaN;
  const number = digitsOf(text);
  return Number.isNaN(number) ? digitsOf(text.trim()) : number;
}

function digitsOf(text: string): number {
  if (text.length === 0 || text.length > MAX_DIGITS) return Number.NaN;
  let number = 0;
  for (let index = 0; index < text.length; index += 1) {
    const digit = text.charCodeAt(index) - DIGIT_0;
    if (digit < 0 || digit > 9) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}
