import type { IncomingMessage, ServerResponse } from 'node:http';
import { InboundConnection, type InboundLimits, type ValidatedHead } from '@penstock/inbound-server';
import { readLoggedFields, type LoggedFields } from './logged-fields.ts';
import type { ObservedRequest } from './observed-request.ts';
import type { DescribedRequest } from './described-request.ts';
import type { OpenRequest } from './open-requests.ts';
import type { RequestTrace } from './request-trace.ts';

/** A request that passed admission, with the parts of its head that were read once. */
export class InboundRequest implements ObservedRequest, OpenRequest {
  readonly id: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** When the parsed head arrived; `performance.now()` milliseconds. */
  readonly startedAt: number;
  /** The path, validated and undecoded. */
  readonly path: string;
  /** The query with its question mark, or empty. Carried, never matched. */
  readonly query: string;
  readonly head: ValidatedHead;
  /** The clocks of the listener that took the request. */
  readonly limits: InboundLimits;
  /** Fields that every response to this request carries: CORS of a listed origin, `connection: close` while draining. */
  readonly responseFields: string[] = [];
  /** Fields for the access log, kept when the header fields were released. */
  loggedFields: LoggedFields | undefined;
  /** The trace of this request; absent where tracing is off. */
  trace: RequestTrace | undefined;
  client = 'unauthenticated';
  older: OpenRequest | undefined;
  newer: OpenRequest | undefined;
  /** What its side knows of it while it is open; set by the side that took it. */
  described: DescribedRequest | undefined;

  constructor(init: Pick<InboundRequest, 'id' | 'request' | 'response' | 'startedAt' | 'path' | 'query' | 'head' | 'limits'>) {
    this.id = init.id;
    this.request = init.request;
    this.response = init.response;
    this.startedAt = init.startedAt;
    this.path = init.path;
    this.query = init.query;
    this.head = init.head;
    this.limits = init.limits;
  }

  /** Releases the header fields except those for the access log: an answer may stream for hours. Call it only once the request is complete. */
  releaseFields(): void {
    this.loggedFields = readLoggedFields(this.request.rawHeaders);
    this.request.rawHeaders = [];
  }

  /** Called by the side that authenticated the request. */
  authenticated(): void {
    InboundConnection.of(this.request.socket)?.authenticated(this.response);
  }

  get method(): string {
    return this.request.method ?? '';
  }

  /** The client waits for `100 Continue` before it sends its body (RFC 9110 section 10.1.1). */
  get expectsContinue(): boolean {
    return this.head.expectsContinue;
  }

  /** Whether the client can no longer be answered. */
  get isGone(): boolean {
    return this.response.destroyed || (this.response.socket?.destroyed ?? true);
  }
}
