import { performance } from 'node:perf_hooks';
import { SpanKind, SpanStatusCode, type Context, type Tracer } from '@opentelemetry/api';
import { errorCodes } from '../log/describe-error.ts';
import type { RequestDetails, RequestRecord } from '../../request/request-record.ts';
import type { UpstreamTarget, UpstreamTrace } from '../../request/request-trace.ts';
import { errorTypeOf, modelAttributes, operationOf, plain, timingAttributes, upstreamAttributes } from './span-attributes.ts';
import type { TraceParent } from './trace-context.ts';

/** Values known at the end of the request that its outbound spans need. */
export interface UpstreamEnd {
  /** Milliseconds since the epoch. */
  readonly endTime: number;
  readonly requestModel: string | undefined;
  /** The record of a request describes the last upstream response only; earlier ones served parts of it. */
  readonly isLast: boolean;
}

/** The span of one outbound request. */
export interface UpstreamSpan extends UpstreamTrace {
  /** The `traceparent` of the outbound request. */
  readonly context: TraceParent;
  end(record: RequestRecord, details: RequestDetails, end: UpstreamEnd): void;
}

/** Begins the span of an outbound request. `epoch` is the wall clock at `performance.now()` zero. */
export function createUpstreamSpan(tracer: Tracer, target: UpstreamTarget, parent: Context, epoch: number): UpstreamSpan {
  const span = tracer.startSpan(`${target.method} ${target.template}`, {
    kind: SpanKind.CLIENT, startTime: epoch + performance.now(), attributes: upstreamAttributes(target),
  }, parent);
  const { traceId, spanId, traceFlags } = span.spanContext();
  let status: number | undefined;
  let finishedAt: number | undefined;
  let failure: unknown;

  /** `error.type`: the upstream's own status, else how the request ended, else how this response broke. */
  function errorType(record: RequestRecord, isLast: boolean): string | undefined {
    if (status !== undefined && status >= 400) return String(status);
    return isLast && finishedAt === undefined ? errorTypeOf(record) : errorCodes(failure);
  }

  return {
    context: { traceId, spanId, flags: traceFlags },
    answered(answer) {
      // The answer of an earlier try may follow the end of the last one.
      if (finishedAt === undefined) status = answer;
    },
    finished(error) {
      finishedAt ??= epoch + performance.now();
      failure ??= error;
    },
    end(record, details, { endTime, requestModel, isLast }) {
      const error = errorType(record, isLast);
      if (status !== undefined) span.setAttribute('http.response.status_code', status);
      if (error !== undefined) span.setAttribute('error.type', error);
      if (error !== undefined && error !== 'client_gone') span.setStatus({ code: SpanStatusCode.ERROR });
      if (isLast) {
        const model = plain(requestModel);
        const operation = operationOf(record.route);
        if (operation !== undefined) span.updateName(record.status === 200 && model !== undefined ? `${operation} ${model}` : operation);
        span.setAttributes({ ...timingAttributes(details), ...modelAttributes(record, details, target.provider, requestModel) });
      }
      span.end(finishedAt === undefined ? endTime : Math.min(finishedAt, endTime));
    },
  };
}
