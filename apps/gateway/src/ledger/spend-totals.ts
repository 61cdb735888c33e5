import type { SpendScope } from './ledger-entry.ts';

/** Bounds of the amounts in memory. */
export interface SpendTotalsLimits {
  /**
   * Persons that are held; with one more, the one that was used least recently is forgotten. The organization, groups and clients are configured, few, and
   * never forgotten.
   */
  readonly mostScopes: number;
}

/** The bounds of every gateway: 100,000 persons take less than 50 MB. */
export const SPEND_TOTALS_LIMITS: SpendTotalsLimits = Object.freeze({ mostScopes: 100_000 });

/** Days before today that are held: the longest month and a few. */
export const HELD_DAYS = 40;
/** One slot for each held day, today and tomorrow (the clock of a replica may be ahead), and some to spare. */
const SLOTS = 48;
const ROWS_PER_CHUNK = 1_024;
const MOST_NANO_DOLLARS = 2n ** 63n - 1n;

/**
 * Nano-dollars by scope and UTC day. One scope has one row of numbers, a slot a day, whatever it spends: memory is bounded by the number
 * of scopes. A slot belongs to the day that wrote it last. An amount is a number while that is exact, $9 million, since each request adds to two or more of
 * them; a larger one is a bigint.
 */
export class SpendTotals {
  readonly #limits: SpendTotalsLimits;
  readonly #rows = new Map<SpendScope, number>();
  /** The same of persons, the least recently used first. */
  readonly #persons = new Map<SpendScope, number>();
  #hasForgotten = false;
  readonly #free: number[] = [];
  readonly #chunks: Float64Array[] = [];
  /** The amounts that no number holds, by their place; each of these places has `NaN`. */
  readonly #large = new Map<number, bigint>();
  readonly #days = new Float64Array(SLOTS).fill(Number.NaN);

  constructor(limits: Partial<SpendTotalsLimits> = {}) {
    this.#limits = { ...SPEND_TOTALS_LIMITS, ...limits };
  }

  /** Scopes that are held. */
  get size(): number {
    return this.#rows.size + this.#persons.size;
  }

  /** Whether a scope that is not held may have spent something nevertheless. */
  mayHaveForgotten(scope: SpendScope): boolean {
    return this.#hasForgotten && !this.#rows.has(scope) && !this.#persons.has(scope);
  }

  /** Whether a scope is held or would be without another being forgotten for it. One that is turned away counts as forgotten. */
  hasPlaceFor(scope: SpendScope): boolean {
    if (!isPerson(scope) || this.#persons.has(scope) || this.#persons.size < this.#limits.mostScopes) return true;
    this.#hasForgotten = true;
    return false;
  }

  /** Holds a scope, and forgets another one for it where there are too many. */
  hold(scope: SpendScope): void {
    if (this.#find(scope) === undefined) this.#open(scope);
  }

  /** Bytes of the amounts, without the names of the scopes. */
  get byteLength(): number {
    return this.#chunks.reduce((bytes, chunk) => bytes + chunk.byteLength, 0);
  }

  /** The amount of one day. */
  of(scope: SpendScope, day: number): bigint {
    const row = this.#find(scope);
    const slot = slotOf(day);
    return row === undefined || this.#days[slot] !== day ? 0n : this.#read(row, slot);
  }

  /** The sum from one day to another, both included. */
  sum(scope: SpendScope, fromDay: number, toDay: number): bigint {
    const row = this.#find(scope);
    if (row === undefined) return 0n;
    let sum = 0n;
    for (let day = Math.max(fromDay, toDay - SLOTS + 1); day <= toDay; day += 1) {
      const slot = slotOf(day);
      if (this.#days[slot] === day) sum += this.#read(row, slot);
    }
    return sum;
  }

  /** Adds to the amount of one day, as `set` does, in one look-up. Returns whether that was not 0 before. @param nanoDollars a safe integer */
  add(scope: SpendScope, day: number, nanoDollars: number): boolean {
    const slot = this.#claim(day);
    const row = this.#find(scope) ?? this.#open(scope);
    const chunk = this.#chunks[Math.floor(row / ROWS_PER_CHUNK)] as Float64Array;
    const index = (row % ROWS_PER_CHUNK) * SLOTS + slot;
    const before = chunk[index] as number;
    const after = before + nanoDollars;
    // Also of `NaN` it is false.
    if (Math.abs(after) <= Number.MAX_SAFE_INTEGER) chunk[index] = after;
    else this.#write(row, slot, this.#read(row, slot) + BigInt(nanoDollars));
    return before !== 0;
  }

  /** Replaces the amount of one day. Amounts beyond 64 bits stay at the largest. */
  set(scope: SpendScope, day: number, nanoDollars: bigint): void {
    const slot = this.#claim(day);
    const row = this.#find(scope) ?? this.#open(scope);
    this.#write(row, slot, nanoDollars);
  }

  /** The row of a scope, which counts as its use. */
  #find(scope: SpendScope): number | undefined {
    if (!isPerson(scope)) return this.#rows.get(scope);
    const row = this.#persons.get(scope);
    if (row === undefined) return undefined;
    this.#persons.delete(scope);
    this.#persons.set(scope, row);
    return row;
  }

  #read(row: number, slot: number): bigint {
    const amount = this.#chunks[Math.floor(row / ROWS_PER_CHUNK)]?.[(row % ROWS_PER_CHUNK) * SLOTS + slot] ?? 0;
    return Number.isNaN(amount) ? this.#large.get(row * SLOTS + slot) ?? 0n : BigInt(amount);
  }

  #write(row: number, slot: number, nanoDollars: bigint): void {
    const chunk = this.#chunks[Math.floor(row / ROWS_PER_CHUNK)];
    if (chunk === undefined) return;
    const amount = Number(nanoDollars);
    const isSmall = Number.isSafeInteger(amount);
    chunk[(row % ROWS_PER_CHUNK) * SLOTS + slot] = isSmall ? amount : Number.NaN;
    if (!isSmall) this.#large.set(row * SLOTS + slot, nanoDollars > MOST_NANO_DOLLARS ? MOST_NANO_DOLLARS : nanoDollars);
    else if (this.#large.size > 0) this.#large.delete(row * SLOTS + slot);
  }

  /** The slot of a day, emptied where another day had it. */
  #claim(day: number): number {
    const slot = slotOf(day);
    if (this.#days[slot] === day) return slot;
    this.#days[slot] = day;
    for (const chunk of this.#chunks) for (let index = slot; index < chunk.length; index += SLOTS) chunk[index] = 0;
    for (const place of this.#large.keys()) if (place % SLOTS === slot) this.#large.delete(place);
    return slot;
  }

  #open(scope: SpendScope): number {
    const ofKind = isPerson(scope) ? this.#persons : this.#rows;
    if (ofKind === this.#persons && this.#persons.size >= this.#limits.mostScopes) this.#forgetOne();
    const row = this.#free.pop() ?? this.size;
    if (Math.floor(row / ROWS_PER_CHUNK) >= this.#chunks.length) this.#chunks.push(new Float64Array(ROWS_PER_CHUNK * SLOTS));
    ofKind.set(scope, row);
    return row;
  }

  #forgetOne(): void {
    const [oldest] = this.#persons;
    if (oldest === undefined) return;
    const [scope, row] = oldest;
    this.#hasForgotten = true;
    this.#persons.delete(scope);
    const start = (row % ROWS_PER_CHUNK) * SLOTS;
    this.#chunks[Math.floor(row / ROWS_PER_CHUNK)]?.fill(0, start, start + SLOTS);
    for (const place of this.#large.keys()) if (Math.floor(place / SLOTS) === row) this.#large.delete(place);
    this.#free.push(row);
  }
}

/** Whether it is `user:PRINCIPAL`: no other scope begins with this letter. */
const LETTER_U = 0x75;

function isPerson(scope: SpendScope): boolean {
  return scope.charCodeAt(0) === LETTER_U;
}

function slotOf(day: number): number {
  return ((day % SLOTS) + SLOTS) % SLOTS;
}
