import { performance } from 'node:perf_hooks';
import { createTraceState, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Context, type Span, type Tracer } from '@opentelemetry/api';
import type { ObservedRequest } from '../../request/observed-request.ts';
import type { RequestDetails, RequestRecord } from '../../request/request-record.ts';
import type { RequestTrace } from '../../request/request-trace.ts';
import { createUpstreamSpan, type UpstreamSpan } from './create-upstream-span.ts';
import { isServerError, serverAttributes } from './span-attributes.ts';
import { readTraceContext, replaceTraceParent, type TraceParent } from './trace-context.ts';

/** Begins the trace of one inbound request. `performance.now()` times become wall clock times by one anchor a request, so that spans fit each other. */
export function createRequestTrace(tracer: Tracer, inbound: ObservedRequest, observerError: (error: unknown) => void): RequestTrace {
  const epoch = Date.now() - performance.now();
  const { parent, traceState } = readTraceContext(inbound.request.rawHeaders);
  const span = tracer.startSpan(inbound.method, {
    kind: SpanKind.SERVER, startTime: epoch + inbound.startedAt, attributes: inboundAttributes(inbound),
  }, contextOf(parent, traceState));
  const { traceId, spanId } = span.spanContext();
  const upstreams: UpstreamSpan[] = [];

  const guarded = <Result>(action: () => Result): Result | undefined => {
    try {
      return action();
    } catch (error) {
      observerError(error);
      return undefined;
    }
  };
  return {
    traceId, spanId,
    requestModel: undefined,
    beginUpstream(target, headers) {
      if (!span.isRecording()) return undefined;
      return guarded(() => {
        const upstream = createUpstreamSpan(tracer, target, trace.setSpan(ROOT_CONTEXT, span), epoch);
        upstreams.push(upstream);
        replaceTraceParent(headers, upstream.context, parent !== undefined);
        return upstream;
      });
    },
    answered: (status) => upstreams.at(-1)?.answered(status),
    end(record, details) {
      if (!span.isRecording()) return;
      const endTime = epoch + performance.now();
      for (const upstream of upstreams) guarded(() => upstream.end(record, details, { endTime, requestModel: this.requestModel, isLast: upstream === upstreams.at(-1) }));
      guarded(() => endServerSpan(span, record, details, endTime));
    },
  };
}

function endServerSpan(span: Span, record: RequestRecord, details: RequestDetails, endTime: number): void {
  span.updateName(`${record.method} ${record.route}`);
  span.setAttributes(serverAttributes(record, details));
  if (isServerError(record)) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(endTime);
}

/** The client's span as the parent, where it sent one. */
function contextOf(parent: TraceParent | undefined, traceState: string | undefined): Context {
  if (parent === undefined) return ROOT_CONTEXT;
  const { traceId, spanId, flags } = parent;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId, spanId, traceFlags: flags, isRemote: true, ...(traceState === undefined ? {} : { traceState: createTraceState(traceState) }),
  });
}

/** What is known of the request when it begins; samplers see it. */
function inboundAttributes({ id, method, request, head }: ObservedRequest): Record<string, string | number> {
  const authority = URL.parse(`http://${head.host}`);
  const isEncrypted = 'encrypted' in request.socket;
  return {
    'penstock.request_id': id,
    'http.request.method': method,
    'url.scheme': isEncrypted ? 'https' : 'http',
    'network.protocol.version': request.httpVersion,
    ...(authority === null ? {} : {
      'server.address': authority.hostname.replace(/^\[|\]$/g, ''),
      'server.port': authority.port === '' ? (isEncrypted ? 443 : 80) : Number(authority.port),
    }),
  };
}
