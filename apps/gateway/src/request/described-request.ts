import type { Person } from '../access/identity/principal.ts';
import type { SettledRequest } from '../cost/cost-of-request.ts';
import type { Side } from './request-record.ts';

/** The phases of a request in their order (ARCHITECTURE.md, "The life of a native request"). */
export const REQUEST_PHASES = ['admit', 'authenticate', 'route', 'limit', 'receive', 'acquire', 'send', 'relay', 'settle'] as const;

/** One of `REQUEST_PHASES`. */
export type RequestPhase = (typeof REQUEST_PHASES)[number];

/** One open request as it is at the moment of the question. Times are `performance.now()` milliseconds. */
export interface OpenRequestFacts {
  readonly side: Side;
  readonly requestId: string;
  readonly startedAt: number;
  /** The configured name of the client, `anonymous`, or `unauthenticated` until its key was checked. */
  readonly client: string;
  /** The caller as text, where a token proved who it is; shown to peers on this machine alone. */
  readonly person?: string | undefined;
  /** The name of the upstream in metrics; absent until one was chosen. */
  readonly upstream: string | undefined;
  /** A route template; absent until one matched. */
  readonly route: string | undefined;
  readonly method: string;
  readonly phase: RequestPhase;
  /** The model that the request names, of any length and content; absent until its body was read. */
  readonly requestedModel: string | undefined;
  readonly isEventStream: boolean;
  readonly requestBytes: number;
  /** Body bytes of the response that arrived from the upstream so far. */
  readonly responseBytes: number;
  /** Since when it holds a connection of its upstream's pool. */
  readonly acquiredAt: number | undefined;
  /** Since when its client has taken nothing although bytes wait for it. */
  readonly stalledAt: number | undefined;
}

/** An open request that can be described; nothing is kept for this while it runs. */
export interface DescribedRequest {
  describeOpen(): OpenRequestFacts;
  /** What it would be charged if it ended now; `undefined`, or absent, where nothing flows that costs. */
  openSpending?(): OpenSpending | undefined;
}

/** An open request as far as its cost is concerned, and whose cost it is. */
export interface OpenSpending {
  /** The label of the caller: a client's name, or a policy's. */
  readonly client: string;
  /** Absent for clients. */
  readonly person: Person | undefined;
  readonly request: SettledRequest;
}
