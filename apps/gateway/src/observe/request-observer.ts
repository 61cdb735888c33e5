import { performance } from 'node:perf_hooks';
import { chargeTokens, type TokenSpending } from '../access/limits/charge-tokens.ts';
import type { TokenRatios } from '../access/limits/token-ratios.ts';
import type { TokenLease } from '../access/limits/token-book.ts';
import { costOfBatch, type BatchEstimate } from '../cost/cost-of-batch.ts';
import { costOf, type RequestSpending, type SettledRequest } from '../cost/cost-of-request.ts';
import type { PriceBook } from '../cost/price-book.ts';
import type { ReadBatchResult, SettledCost } from '../ledger/entries-of-request.ts';
import type { ObservedRequest } from '../request/observed-request.ts';
import { UNMATCHED_ROUTES, type Outcome, type RequestCost, type RequestDetails, type RequestRecord, type ResponseTokens, type Side, type UsageSource } from '../request/request-record.ts';
import type { RequestLog } from './log/request-log.ts';
import type { GatewayMetrics } from './metrics/create-gateway-metrics.ts';
import type { RecentRequests } from './status/recent-requests.ts';

/** The tokens that one response reported. */
export interface ReportedUsage {
  readonly usage?: ResponseTokens | undefined;
  readonly source?: UsageSource | undefined;
  /** The model that the response named. */
  readonly model?: string | undefined;
  readonly stopReason?: string | undefined;
  readonly sawStop?: boolean | undefined;
}

/** The tokens to charge a client with token limits. Outcome and reported usage come from the record. */
export interface TokenCharge extends Omit<TokenSpending, 'outcome' | 'usage' | 'source'> {
  readonly lease: TokenLease;
  readonly ratios: TokenRatios;
}

/** How one request ended: the record's part that the request itself does not know, and the details. A `NativeExchange` has this shape. */
export interface RequestEnd extends RequestDetails {
  readonly side: Side;
  /** `undefined` where no route matched. */
  readonly route: { readonly template: string } | undefined;
  readonly status: number;
  readonly outcome: Outcome;
  /** The label of the caller: a client's name, or a policy's. */
  readonly client: string;
  readonly isEventStream: boolean;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** When the upstream's head arrived, in `performance.now()` milliseconds; absent when none did. */
  readonly headAt?: number | undefined;
  readonly overheadMs?: number | undefined;
  readonly largestGapMs?: number | undefined;
  readonly requestedModel?: string | undefined;
  /** The id that was sent upstream, where it is not the requested one. */
  readonly upstreamModel?: string | undefined;
  /** The requested model where the configuration names it, and the upstream's name for it. */
  readonly mappedModel?: string | undefined;
  readonly usage?: ReportedUsage | undefined;
  /** Absent for clients without token limits. */
  readonly charge?: TokenCharge | undefined;
  /** What the cost is estimated from where the usage is not final; absent, or `undefined`, where no tokens are spent. */
  spending?(): RequestSpending | undefined;
  /** The name of the upstream in metrics; absent where none was asked. */
  readonly upstream?: string | undefined;
  /** The message batch that the request made; absent where it made none, or its id is not known. */
  readonly batchId?: string | undefined;
}

/** The end of a request on either side, or before routing. */
export interface RequestObserver {
  /** Builds the record of a request and hands it to metrics, trace, access log and limits. Call it once for each request. */
  settled(request: ObservedRequest, end: RequestEnd): void;
  /** Corrects what a message batch was charged by a result of it that a caller read; `request` is `undefined` for one that is not billed. Returns what it cost, in nano-dollars. */
  batchResultRead(batchId: string, customId: string, request: SettledRequest | undefined): bigint;
  /** Charges a message batch that is being sent by its estimate, until its request is settled. */
  batchAdmitted(request: ObservedRequest, batch: BatchEstimate, by: Pick<SettledCost, 'client' | 'person'> & { readonly upstream: string | undefined }): void;
  /** What a message batch would be charged, in nano-dollars. */
  estimateOfBatch(batch: BatchEstimate, upstream: string | undefined): bigint;
}

/** The parts that a record is handed to. */
export interface RequestObserverOptions {
  readonly metrics: Pick<GatewayMetrics, 'recordRequest' | 'observerError'>;
  readonly log: Pick<RequestLog, 'requestEnded'>;
  /** What the live page remembers; absent where it is off. */
  readonly recent?: RecentRequests | undefined;
  /** Where costs are added up; absent where there is no ledger. */
  readonly ledger?: {
    readonly charge: (settled: SettledCost) => void;
    readonly book?: (request: ObservedRequest, cost: SettledCost) => void;
    readonly takeBack?: (request: object) => void;
    readonly correct?: (result: ReadBatchResult) => void;
  } | undefined;
  /** The prices of the configuration that runs now. */
  readonly prices: () => PriceBook;
  /** Called with each request that a price is missing for. */
  readonly onUnpriced?: ((record: RequestRecord) => void) | undefined;
}

/** Makes the observer of requests. A new consumer of records is one more call here. */
export function createRequestObserver({ metrics, log, recent, ledger, prices, onUnpriced }: RequestObserverOptions): RequestObserver {
  /** What a request cost is one more thing that is known of it: where that cannot be found out, its record, its line and its limits are settled all the same. */
  function costOfEnd(end: RequestEnd): RequestCost | undefined {
    try {
      return readCost(end, prices());
    } catch (error) {
      metrics.observerError('cost', error);
      return undefined;
    }
  }

  /** What was charged of a request while it was open gives way to its whole cost. */
  function takeBack(request: ObservedRequest): void {
    try {
      ledger?.takeBack?.(request);
    } catch (error) {
      metrics.observerError('cost', error);
    }
  }

  function spread(cost: RequestCost, record: RequestRecord, end: RequestEnd): void {
    try {
      ledger?.charge({ cost, client: record.client, person: end.person, batchId: end.batchId, upstream: record.upstream });
      if (!cost.isPriceKnown) onUnpriced?.(record);
    } catch (error) {
      metrics.observerError('cost', error);
    }
  }

  return {
    settled(request, end) {
      const record = buildRecord(request, end, performance.now(), costOfEnd(end));
      metrics.recordRequest(record);
      request.trace?.end(record, end);
      log.requestEnded(request, record, end);
      recent?.record(record, end);
      if (ledger !== undefined) takeBack(request);
      if (record.cost !== undefined) spread(record.cost, record, end);
      if (end.charge !== undefined) charge(end.charge, record);
    },
    estimateOfBatch: (batch, upstream) => costOfBatch(batch, upstream, prices())?.nanoDollars ?? 0n,
    batchAdmitted(request, batch, { upstream, client, person }) {
      try {
        const cost = costOfBatch(batch, upstream, prices());
        if (cost !== undefined) ledger?.book?.(request, { cost, client, person });
      } catch (error) {
        metrics.observerError('cost', error);
      }
    },
    batchResultRead(batchId, customId, request) {
      try {
        const cost = request === undefined ? undefined : costOf(request, prices());
        ledger?.correct?.({ batchId, customId, cost });
        return cost?.nanoDollars ?? 0n;
      } catch (error) {
        metrics.observerError('cost', error);
        return 0n;
      }
    },
  };
}

/** Builds the record of a request: the only place that does. */
function buildRecord({ id, method, startedAt }: ObservedRequest, end: RequestEnd, endedAt: number, cost: RequestCost | undefined): RequestRecord {
  const { side, headAt, usage, isEventStream } = end;
  return {
    side,
    requestId: id,
    upstream: end.upstream,
    route: end.route?.template ?? UNMATCHED_ROUTES[side],
    method,
    status: end.status,
    outcome: end.outcome,
    client: end.client,
    durationMs: endedAt - startedAt,
    timeToFirstByteMs: headAt === undefined ? undefined : headAt - startedAt,
    overheadMs: end.overheadMs,
    largestGapMs: end.largestGapMs,
    isEventStream,
    sawStop: isEventStream ? usage?.sawStop : undefined,
    requestBytes: end.requestBytes,
    responseBytes: end.responseBytes,
    requestedModel: end.requestedModel,
    model: usage?.model,
    mappedModel: end.mappedModel,
    usage: usage?.usage,
    usageSource: usage?.source,
    cost,
  };
}

/** Most requests that spend nothing have neither usage nor anything to estimate it from. */
function readCost(end: RequestEnd, prices: PriceBook): RequestCost | undefined {
  const { usage } = end;
  const spending = usage?.source === 'final' ? undefined : end.spending?.();
  if (usage === undefined && spending === undefined) return undefined;
  return costOf({
    upstream: end.upstream, outcome: end.outcome, usage: usage?.usage, source: usage?.source,
    model: usage?.model, upstreamModel: end.upstreamModel, requestedModel: end.requestedModel, spending,
  }, prices);
}

function charge({ lease, ratios, ...spending }: TokenCharge, { outcome, usage, usageSource }: RequestRecord): void {
  chargeTokens(lease, { ...spending, outcome, usage, source: usageSource }, ratios);
}
