import { OTHER } from '../metrics/label-bounds.ts';
import { CLIENT_COUNTS, type ClientCount, type ClientHour } from './status-part.ts';

const MINUTES = 60;
const MINUTE_MS = 60_000;
/** Clients that have a row of their own; names are configured, and a file with more of them is possible. */
export const MAX_CLIENT_HOURS = 1_000;

/** What one request adds to the hour of its client. */
export type ClientAddition = Readonly<Record<ClientCount, number>>;

/** The counts of one client in a ring of minutes. */
class Hour {
  lastAt = 0;
  #lastMinute = 0;
  readonly #counts = new Float64Array(MINUTES * CLIENT_COUNTS.length);

  add(addition: ClientAddition, at: number): void {
    this.#advance(at);
    const start = (this.#lastMinute % MINUTES) * CLIENT_COUNTS.length;
    for (let index = 0; index < CLIENT_COUNTS.length; index += 1) {
      this.#counts[start + index] = (this.#counts[start + index] ?? 0) + addition[CLIENT_COUNTS[index] as ClientCount];
    }
    this.lastAt = at;
  }

  /** The sums over the last 60 minutes, the one that runs included. */
  sums(at: number): Record<ClientCount, number> {
    this.#advance(at);
    const sums: Record<ClientCount, number> = { requests: 0, failures: 0, refusals: 0, inputTokens: 0, outputTokens: 0, costNanoDollars: 0 };
    for (let index = 0; index < this.#counts.length; index += 1) sums[CLIENT_COUNTS[index % CLIENT_COUNTS.length] as ClientCount] += this.#counts[index] ?? 0;
    return sums;
  }

  /** Empties the minutes that have passed since the last call. A clock that was set back a little counts into the latest minute; one that was set back further begins anew. */
  #advance(at: number): void {
    const minute = Math.floor(at / MINUTE_MS);
    const passed = minute <= this.#lastMinute - MINUTES ? MINUTES : Math.min(MINUTES, minute - this.#lastMinute);
    for (let step = 0; step < passed; step += 1) {
      const start = ((minute - step) % MINUTES) * CLIENT_COUNTS.length;
      this.#counts.fill(0, start, start + CLIENT_COUNTS.length);
    }
    if (passed > 0) this.#lastMinute = minute;
  }
}

/** What each client did in the last hour. */
export class ClientHours {
  readonly #hours = new Map<string, Hour>();

  /** Adds a finished request. `at` is Unix milliseconds. */
  add(client: string, addition: ClientAddition, at: number): void {
    (this.#hours.get(client) ?? this.#open(client, at)).add(addition, at);
  }

  /** The clients with at least one request in the last hour, those with the most requests first. */
  rows(at: number): readonly ClientHour[] {
    this.#prune(at);
    return Array.from(this.#hours, ([client, hour]) => ({ client, lastAt: hour.lastAt, ...hour.sums(at) }))
      .toSorted((one, other) => other.requests - one.requests || (one.client < other.client ? -1 : 1));
  }

  #open(client: string, at: number): Hour {
    if (this.#hours.size >= MAX_CLIENT_HOURS) this.#prune(at);
    const name = this.#hours.size >= MAX_CLIENT_HOURS ? OTHER : client;
    const hour = this.#hours.get(name) ?? new Hour();
    this.#hours.set(name, hour);
    return hour;
  }

  #prune(at: number): void {
    // Also one whose last request was by a clock that has been set back since: it has counts of no hour any more.
    for (const [client, { lastAt }] of this.#hours) if (Math.abs(at - lastAt) > MINUTES * MINUTE_MS) this.#hours.delete(client);
  }
}
