import { statusOf } from '@penstock/proxy';
import { isRelayError } from '@penstock/sse-relay';
import { isUpstreamError, type UpstreamErrorCode } from '@penstock/upstream-client';
import { describeFullPool, describeFullQueue, type PoolCapacity, type RefusedRequest } from '../request/describe-full-pool.ts';
import type { Outcome } from '../request/request-record.ts';
import { UPSTREAM_TITLES, type PipeSide, type UpstreamTitle } from '../request/upstream-titles.ts';
import { GatewayError, isGatewayError, type GatewayErrorCode } from '../request/gateway-error.ts';
import { isUpstreamGroupError } from './upstream-group.ts';

interface Answer {
  readonly code: GatewayErrorCode;
  readonly message: (upstream: UpstreamTitle, capacity: PoolCapacity, refused: RefusedRequest) => string;
}

const DRAINING: Answer = { code: 'draining', message: () => 'The gateway is shutting down.' };

/** Code and message of each failure of the upstream client, while the response has no head. Status and `retry-after` are those of `statusOf`. */
const ANSWERS: Readonly<Record<UpstreamErrorCode, Answer>> = {
  slot_timeout: { code: 'overloaded', message: (_upstream, capacity, refused) => describeFullPool(capacity, refused) },
  queue_full: { code: 'overloaded', message: (_upstream, capacity, refused) => describeFullQueue(capacity, refused) },
  draining: DRAINING,
  connect_timeout: { code: 'upstream_timeout', message: ({ name }) => `The gateway could not connect to ${name} in time.` },
  unreachable: { code: 'upstream_unreachable', message: ({ name }) => `The gateway could not reach ${name}.` },
  tls: { code: 'upstream_tls', message: ({ name }) => `The gateway could not establish a trusted connection to ${name}.` },
  reset: { code: 'upstream_reset', message: ({ atStart }) => `${atStart} closed the connection before it answered.` },
  truncated: { code: 'upstream_reset', message: ({ atStart }) => `${atStart} closed the connection before it answered.` },
  invalid_response: { code: 'upstream_invalid', message: ({ name }) => `The answer of ${name} could not be understood.` },
  headers_timeout: { code: 'upstream_timeout', message: ({ atStart }) => `${atStart} did not answer in time.` },
  idle_timeout: { code: 'upstream_timeout', message: ({ atStart }) => `${atStart} did not answer in time.` },
  write_timeout: { code: 'upstream_timeout', message: ({ atStart }) => `${atStart} did not take the request in time.` },
  origin_mismatch: { code: 'internal', message: () => 'Internal error of the gateway.' },
  invalid_request: { code: 'internal', message: () => 'Internal error of the gateway.' },
  aborted: { code: 'internal', message: () => 'Internal error of the gateway.' },
};

/** Turns whatever a phase threw into the error that the client gets. */
export function toGatewayError(failure: unknown, side: PipeSide, capacity: PoolCapacity, isLongLived: boolean): GatewayError {
  if (isGatewayError(failure)) return failure;
  // What ended an upload (too large, too slow) is the client's answer, not the abort it caused upstream.
  if (isUpstreamError(failure) && isGatewayError(failure.cause)) return failure.cause;
  if (isUpstreamError(failure)) return answerWith(ANSWERS[failure.code], failure, side, { capacity, isLongLived });
  if (isUpstreamGroupError(failure)) return failure.code === 'try_refused' ? noCredential(side, failure) : noUpstream(failure);
  // The drain timeout passed while the upstream had not begun to answer, or no slot was free yet.
  if (isRelayError(failure) && failure.code === 'interrupted') return answerWith(DRAINING, failure, side, { capacity, isLongLived });
  return new GatewayError('internal', 'Internal error of the gateway.', { cause: failure });
}

function answerWith({ code, message }: Answer, cause: unknown, side: PipeSide, { capacity, isLongLived }: { readonly capacity: PoolCapacity; readonly isLongLived: boolean }): GatewayError {
  const { retryAfterSeconds } = statusOf(cause);
  const title = UPSTREAM_TITLES[side];
  const sentence = message(title, capacity, { upstream: title.name, isLongLived });
  return new GatewayError(code, sentence, { cause, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) });
}

/** The error where the configuration lists no upstream for a model. */
export function noUpstream(cause?: unknown): GatewayError {
  return new GatewayError('bad_request', 'No upstream of this gateway serves this model.', { cause });
}

/** The error where the gateway has no credential for its upstream at the moment. */
export function noCredential(side: PipeSide, cause: unknown): GatewayError {
  return new GatewayError('upstream_credential', `The gateway has no usable credential for ${UPSTREAM_TITLES[side].name}: its operator has to renew it.`, { cause });
}

/**
 * The error where the gateway's credential could not be put on a request. What is wrong with the request itself (its query cannot be signed) is its client's to
 * mend, and shows nothing of the credential: then it is a `bad_request`.
 */
export function notSigned(side: PipeSide, cause: unknown): GatewayError {
  if (isUnsignable(cause)) return new GatewayError('bad_request', 'The query of this request cannot be signed, as its upstream requires: send it percent-encoded, in UTF-8.', { cause });
  return noCredential(side, cause);
}

/** A `CloudCredentialError` about the request. Its package is loaded only where a credential needs it: here it is known by its name. */
export function isUnsignable(error: unknown): boolean {
  return error instanceof Error && error.name === 'CloudCredentialError' && 'code' in error && error.code === 'invalid_request';
}

/** The outcome of a response that broke after its head: a clock of ours, or the upstream's end. */
export function outcomeOfBreak(failure: unknown): Outcome {
  return isUpstreamError(failure) && (failure.code === 'idle_timeout' || failure.code === 'headers_timeout') ? 'upstream_timeout' : 'upstream_truncated';
}
