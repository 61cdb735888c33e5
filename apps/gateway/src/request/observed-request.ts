import type { IncomingMessage } from 'node:http';
import type { LoggedFields } from './logged-fields.ts';
import type { RequestTrace } from './request-trace.ts';

/** The part of a request that metrics, log and trace read. An `InboundRequest` has it, and so has a request whose head was refused. */
export interface ObservedRequest {
  readonly id: string;
  readonly method: string;
  readonly request: IncomingMessage;
  /** When the parsed head arrived; `performance.now()` milliseconds. */
  readonly startedAt: number;
  /** `host` is empty where the head was refused. */
  readonly head: { readonly host: string };
  /** Absent where tracing is off. */
  trace: RequestTrace | undefined;
  /** Fields for the access log, kept when the header fields were released. */
  readonly loggedFields: LoggedFields | undefined;
}
