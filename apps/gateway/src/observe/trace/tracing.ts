import type { InboundRequest } from '../../request/inbound-request.ts';
import type { RequestDetails } from '../log/request-log.ts';
import type { RequestRecord } from '../../request/request-record.ts';

/** What only a trace wants to know of a request, beside its record. */
export interface TraceDetails extends RequestDetails {
  readonly usage?: { readonly stopReason?: string | undefined } | undefined;
}

/** Where an outbound request goes. */
export interface UpstreamTarget {
  readonly method: string;
  /** The origin of the upstream, such as `https://api.anthropic.com`. */
  readonly origin: string;
  /** The upstream's path with placeholders for ids; never a raw path. */
  readonly template: string;
  /** Who speaks there, as `gen_ai.provider.name`. */
  readonly provider: 'anthropic' | 'openai';
}

/** The span of one outbound request. It ends with its response, or with the request. */
export interface UpstreamTrace {
  /** Notes the status of the upstream's own head. */
  answered(status: number): void;
  /** Notes that the upstream's response ended, with the error that broke it. */
  finished(error: unknown): void;
}

/** The trace of one inbound request. Nothing here throws: what fails is counted as an observer error. */
export interface RequestTrace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits: the span of the inbound request. */
  readonly spanId: string;
  /** The model that the request names, once it was read. */
  requestModel: string | undefined;
  /**
   * Begins the span of an outbound request and puts its context into the outbound fields, in place of the client's. A request
   * that is not sampled gets no span, and its fields stay as they are.
   */
  beginUpstream(target: UpstreamTarget, headers: string[]): UpstreamTrace | undefined;
  /** Notes the status of the upstream's head, for the outbound request that began last. */
  answered(status: number): void;
  /** Ends every span of the request; called once, when the request is settled. */
  end(record: RequestRecord, details: TraceDetails): void;
}

/** Traces requests; absent where tracing is off. */
export interface Tracing {
  /** Begins the span of an inbound request, as a part of the client's trace where it sent one. `undefined` when that failed. */
  begin(inbound: InboundRequest): RequestTrace | undefined;
  /** Calls `action` so that `current` finds the trace in all that it awaits. */
  within<Result>(trace: RequestTrace | undefined, action: () => Result): Result;
  /** The trace that the caller runs within. */
  current(): RequestTrace | undefined;
  /** Sends what is queued and lets go; takes two seconds at most, whatever the collector does. */
  shutdown(): Promise<void>;
}
