import type { UsageObserver, UsageResult } from '@penstock/anthropic-usage';
import type { UpstreamExchange } from '@penstock/proxy';
import type { BudgetAccount } from '../access/budgets/budget-state.ts';
import type { ClientRules } from '../access/clients/client-rules.ts';
import type { Person } from '../access/identity/principal.ts';
import type { InboundRequest } from '../request/inbound-request.ts';
import type { Outcome } from '../request/request-record.ts';
import type { PipeSide } from '../request/upstream-titles.ts';
import type { ByteLease } from '../body/byte-budget.ts';
import type { Lease } from '../access/limits/limiter.ts';
import type { RequestEnd, TokenCharge } from '../observe/request-observer.ts';
import type { DescribedRequest, OpenRequestFacts, OpenSpending } from '../request/described-request.ts';
import type { RequestSpending } from '../cost/cost-of-request.ts';
import { describeOpenExchange } from './describe-open-exchange.ts';
import type { PipedRoute, PipedUpstream } from './pipe-runtime.ts';
import { openSpendingOf, spendingOf } from './spending.ts';

/** The body as phase 6 sends it. */
export interface OutboundBody {
  readonly body: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array> | null;
  /** `undefined` for a chunked upload. */
  readonly contentLength: number | undefined;
}

/** What the phases of one request through a pipe hand to each other. Each field is written by one phase and read by later ones. */
export class PipedExchange implements RequestEnd, DescribedRequest {
  readonly inbound: InboundRequest;
  readonly side: PipeSide;
  /** The outbound fields, our credential included. */
  outboundHeaders: string[] = [];
  /** The label of the caller: a client's name, or a policy's. */
  client = 'unauthenticated';
  /** What the caller's limits and bytes are counted by. */
  counterKey = 'unauthenticated';
  /** Absent for clients. */
  person: Person | undefined;
  /** What the client may do; `undefined` for an anonymous one. */
  rules: ClientRules | undefined;
  /** Absent where no budget holds for the caller. */
  budget: BudgetAccount | undefined;
  route: PipedRoute | undefined;
  limits: Lease | undefined;
  bytes: ByteLease | undefined;
  outbound: OutboundBody = { body: null, contentLength: undefined };
  requestBytes = 0;
  /** Input tokens by the length of the JSON text; 0 for a body that is not read. */
  estimatedInput = 0;
  /** Whether the request is for a stream. */
  wantsStream = false;
  maxTokens: number | undefined;
  /** The model that the body names, as the client wrote it. */
  requestedModel: string | undefined;
  /** Whether it may hold only the pool's share for long-lived requests. */
  isLongLived = false;
  /** Whether its answer is read here, and asked for without compression. */
  mustReadAnswer = false;
  /** Whether it may be sent to more than one upstream, one after the other. */
  mayMove = false;
  /** The upstream that it was sent to last; `undefined` before phase 6. */
  served: PipedUpstream | undefined;
  /** Which credential of that upstream it was sent with; absent: the one in force. */
  credentialGeneration: number | undefined;
  /** The upstreams that did not take it, each with the reason; `undefined` for nearly every request. */
  failovers: string[] | undefined;
  /** Whether the client's tokens are limited, so that what the model writes is counted. */
  measuresText = false;
  /** Why an upload stopped before its end. */
  uploadFailure: (() => unknown) | undefined;
  /** Bytes of the upload that came through so far. */
  uploadBytes: (() => number) | undefined;

  /** The request to the upstream and the relay of its response; `undefined` before phase 6. */
  relayed: Pick<UpstreamExchange<never>, 'handler' | 'timings'> | undefined;
  /** Reads the usage of the response; `undefined` where the route reports none. */
  observer: UsageObserver | undefined;
  /** Whether it counts as an open event stream. */
  isStreamOpen = false;

  /** Whether its line in the access log is for the level `debug`. */
  isRoutine = false;
  outcome: Outcome = 'internal';
  /** Whether the upstream refused the gateway's own credential. */
  isCredentialRefused = false;
  status = 499;
  responseBytes = 0;
  receivedAt: number | undefined;
  slotWaitMs: number | undefined;
  connectMs: number | undefined;
  /** From the last byte sent to the upstream's head. */
  upstreamHeadMs: number | undefined;
  /** When the upstream had the whole request; on the monotonic clock. */
  sentAt: number | undefined;
  headAt: number | undefined;
  /** The part of the time to first byte that was neither receiving the body nor waiting for a slot, a connection or the upstream. */
  overheadMs: number | undefined;
  largestGapMs: number | undefined;
  isEventStream = false;
  upstreamRequestId: string | undefined;
  usage: UsageResult | undefined;
  /** Set by `settle` for clients with token limits. */
  charge: TokenCharge | undefined;
  /** The error underneath; for the log. */
  failure: unknown;
  /** The code of the gateway's own error that was answered. */
  cause: string | undefined;

  constructor(inbound: InboundRequest, side: PipeSide) {
    this.inbound = inbound;
    this.side = side;
    inbound.described = this;
  }

  /** The name of the upstream in metrics; absent while none was asked. */
  get upstream(): string | undefined {
    return this.served?.name;
  }

  spending(): RequestSpending | undefined {
    return spendingOf(this);
  }

  describeOpen(): OpenRequestFacts {
    return describeOpenExchange(this);
  }

  openSpending(): OpenSpending | undefined {
    return openSpendingOf(this);
  }
}
