import type { Logger } from 'pino';
import type { ObservedRequest } from '../../request/observed-request.ts';
import type { RequestTrace } from '../../request/request-trace.ts';
import type { TracingSettings } from './read-tracing-settings.ts';

/** The options of `startTracing`. */
export interface StartTracingOptions {
  /** Absent: tracing is off, and its modules are not loaded. */
  readonly settings: TracingSettings | undefined;
  readonly version: string;
  readonly logger: Logger;
  /** Counts failures of tracing itself. */
  readonly observerError: (error: unknown) => void;
}

/** Traces requests; absent where tracing is off. */
export interface Tracing {
  /** Begins the span of an inbound request, as a part of the client's trace where it sent one. `undefined` when that failed. */
  begin(inbound: ObservedRequest): RequestTrace | undefined;
  /** Calls `action` so that `current` finds the trace in everything that it awaits. */
  within<Result>(trace: RequestTrace | undefined, action: () => Result): Result;
  /** The trace that the caller runs within. */
  current(): RequestTrace | undefined;
  /** Sends the queued spans and closes the connection to the collector; takes two seconds at most, even if the collector does not answer. */
  shutdown(): Promise<void>;
}
