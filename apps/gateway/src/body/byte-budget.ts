/** A part of the budget that one request holds. Release it exactly once; further calls do nothing. */
export interface ByteLease {
  /** Makes the lease cover `bytes` in all; `false` when the budget or the client's share is spent. */
  cover(bytes: number): boolean;
  /** The sentence for a request that was not covered: whose bytes are spent, and how many there are. */
  describeSpent(): string;
  release(): void;
}

/** Bounds the request bytes that are held at once, over all requests and per client. */
export interface ByteBudget {
  lease(client: string): ByteLease;
  /** Bytes taken now. */
  taken(): number;
  /** Callers that have an entry. */
  callers(): number;
  /** Changes the bound; leases that are held stay. */
  resize(maxBytes: number): void;
}

/** Callers that keep an entry while they hold nothing. */
const KEPT_NAMES = 1_000;

const MIB = 1024 * 1024;
const SMALL_STEP = 64 * 1024;

/** A lease grows by 64 KiB up to 1 MiB and by 1 MiB above it, so that small bodies are not charged as large ones. */
function roundToStep(bytes: number): number {
  const step = bytes <= MIB ? SMALL_STEP : MIB;
  return Math.ceil(bytes / step) * step;
}

/**
 * A budget of `maxBytes` of which one client may hold a quarter, or `guaranteedBytes` if that is more: the largest body that is
 * accepted at all must not be refused for ever because the budget, or a worker's part of it, is small. Bytes are taken as they arrive: announcing a length takes
 * nothing, so that many idle announcements exclude no other request.
 */
export function createByteBudget(maxBytes: number, guaranteedBytes = 0): ByteBudget {
  const ledger = new Ledger(maxBytes, guaranteedBytes);
  return { lease: (client) => new Lease(ledger, client), taken: () => ledger.total, callers: () => ledger.names, resize: (bytes) => { ledger.limit = bytes; } };
}

/** What all leases of one budget hold. */
class Ledger {
  limit: number;
  total = 0;
  readonly #guaranteedBytes: number;
  readonly #byClient = new Map<string, number>();

  constructor(limit: number, guaranteedBytes: number) {
    this.limit = limit;
    this.#guaranteedBytes = guaranteedBytes;
  }

  /** Callers that have an entry. */
  get names(): number {
    return this.#byClient.size;
  }

  get clientLimit(): number {
    return Math.max(this.limit / 4, Math.min(this.limit, this.#guaranteedBytes));
  }

  take(client: string, bytes: number): boolean {
    const clientTotal = (this.#byClient.get(client) ?? 0) + bytes;
    if (this.total + bytes > this.limit || clientTotal > this.clientLimit) return false;
    this.total += bytes;
    this.#byClient.set(client, clientTotal);
    return true;
  }

  giveBack(client: string, bytes: number): void {
    this.total -= bytes;
    const held = (this.#byClient.get(client) ?? 0) - bytes;
    // A caller that holds nothing keeps its entry while names are few: a map that shrinks and grows keeps its old tables. Persons are many.
    if (held === 0 && this.#byClient.size > KEPT_NAMES) this.#byClient.delete(client);
    else this.#byClient.set(client, held);
  }
}

/** One is made for every request with a JSON body. */
class Lease implements ByteLease {
  readonly #ledger: Ledger;
  readonly #client: string;
  #held = 0;
  #wanted = 0;
  #isReleased = false;

  constructor(ledger: Ledger, client: string) {
    this.#ledger = ledger;
    this.#client = client;
  }

  cover(bytes: number): boolean {
    if (this.#isReleased) return false;
    if (bytes <= this.#held) return true;
    const wanted = roundToStep(bytes);
    this.#wanted = wanted - this.#held;
    if (!this.#ledger.take(this.#client, this.#wanted)) return false;
    this.#held = wanted;
    return true;
  }

  describeSpent(): string {
    const { limit, clientLimit, total } = this.#ledger;
    const whose = total + this.#wanted > limit ? `This gateway holds at most ${mebibytes(limit)} of request bodies` : `This gateway holds at most ${mebibytes(clientLimit)} of request bodies of one client`;
    return `${whose} at once, and they are taken at the moment. This limit is the gateway's own, not the API's.`;
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    if (this.#held > 0) this.#ledger.giveBack(this.#client, this.#held);
  }
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MIB * 10) / 10} MiB`;
}
