import type { Attributes } from '@opentelemetry/api';
import { dollarsOf } from '../../cost/dollars.ts';
import { errorCodes } from '../log/describe-error.ts';
import { OUTCOME_TRAITS, type RequestDetails, type RequestRecord } from '../../request/request-record.ts';
import type { UpstreamTarget } from '../../request/request-trace.ts';

/** The routes that ask for a completion, with the operation they are in the GenAI conventions. */
const OPERATIONS: Readonly<Record<string, string>> = {
  '/anthropic/v1/messages': 'chat',
  '/v1/chat/completions': 'chat',
  '/anthropic/v1/complete': 'text_completion',
};

/** A name of a model or a reason, and no free text. */
const PLAIN_NAME = /^[\w.:@/-]{1,128}$/;

/** The operation of a route, as `gen_ai.operation.name`; `undefined` for one without a model. */
export function operationOf(route: string): string | undefined {
  return Object.hasOwn(OPERATIONS, route) ? OPERATIONS[route] : undefined;
}

/** Whether a server's span is marked as an error; it is not at fault for what its client did (OpenTelemetry HTTP conventions). */
export function isServerError({ outcome, status }: RequestRecord): boolean {
  return OUTCOME_TRAITS[outcome].isServerError || status >= 500;
}

/** `error.type` of a span: the upstream's status where it answered with an error, else the outcome; `undefined` when all went well. */
export function errorTypeOf({ outcome, status }: RequestRecord): string | undefined {
  if (outcome === 'ok') return undefined;
  return outcome === 'upstream_error' ? String(status) : outcome;
}

/** Attributes of the span of an inbound request, known at its end. */
export function serverAttributes(record: RequestRecord, details: RequestDetails): Attributes {
  return withoutAbsent({
    'http.route': record.route,
    'url.path': record.route,
    'http.response.status_code': record.status === 499 ? undefined : record.status,
    'http.request.body.size': record.requestBytes,
    'http.response.body.size': record.responseBytes,
    'error.type': errorTypeOf(record),
    'penstock.side': record.side,
    'penstock.client': record.client,
    'penstock.outcome': record.outcome,
    'penstock.failure': details.errorCode ?? errorCodes(details.failure),
    'penstock.first_byte_ms': record.timeToFirstByteMs,
    'penstock.overhead_ms': record.overheadMs,
    'penstock.cost_dollars': record.cost === undefined ? undefined : dollarsOf(record.cost.nanoDollars),
    'penstock.cost_estimated': record.cost?.isEstimated === true ? true : undefined,
  });
}

/** Attributes of the span of an outbound request, known when it begins. */
export function upstreamAttributes({ method, origin, template }: UpstreamTarget): Attributes {
  const { hostname, port, protocol } = new URL(origin);
  return {
    'http.request.method': method,
    'server.address': hostname.replace(/^\[|\]$/g, ''),
    'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
    'url.scheme': protocol.slice(0, -1),
    'url.template': template,
  };
}

/** Attributes of the outbound request that asked a model, by the GenAI conventions: names and numbers, no content. */
export function modelAttributes(record: RequestRecord, details: RequestDetails, provider: string, requestModel: string | undefined): Attributes {
  const operation = operationOf(record.route);
  if (operation === undefined) return {};
  const { usage } = record;
  const isCounted = usage !== undefined && record.usageSource !== 'missing';
  const stopReason = plain(details.usage?.stopReason);
  return withoutAbsent({
    'gen_ai.operation.name': operation,
    'gen_ai.provider.name': provider,
    // A name that the upstream did not take may be anything.
    'gen_ai.request.model': record.status === 200 ? plain(requestModel) : undefined,
    'gen_ai.response.model': plain(record.model),
    'gen_ai.response.finish_reasons': stopReason === undefined ? undefined : [stopReason],
    ...(isCounted ? {
      'gen_ai.usage.input_tokens': usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h,
      'gen_ai.usage.output_tokens': usage.output,
      'gen_ai.usage.cache_read.input_tokens': usage.cacheRead,
      'gen_ai.usage.cache_creation.input_tokens': usage.cacheWrite5m + usage.cacheWrite1h,
    } : {}),
  });
}

/** Attributes that say where the time of an outbound request went. */
export function timingAttributes(details: RequestDetails): Attributes {
  return withoutAbsent({
    'penstock.upstream_request_id': plain(details.upstreamRequestId),
    'penstock.slot_wait_ms': details.slotWaitMs,
    'penstock.connect_ms': details.connectMs,
    'penstock.upstream_head_ms': details.upstreamHeadMs,
  });
}

/** The text when it is a plain name. */
export function plain(text: string | undefined): string | undefined {
  return text !== undefined && PLAIN_NAME.test(text) ? text : undefined;
}

function withoutAbsent(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
