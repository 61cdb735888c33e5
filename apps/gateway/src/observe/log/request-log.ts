import type { BlockList } from 'node:net';
import type { CredentialStatus } from '@penstock/cloud-credentials';
import { dollarsOf } from '../../cost/dollars.ts';
import { principalText, type Person } from '../../access/identity/principal.ts';
import { clientAddress } from '../../access/clients/client-address.ts';
import { loggedId, readLoggedFields } from '../../request/logged-fields.ts';
import { ONLY_UPSTREAM } from '../../config/native-upstreams.ts';
import type { ObservedRequest } from '../../request/observed-request.ts';
import { faultOf, levelOf, type Fault, type RequestDetails, type RequestRecord } from '../../request/request-record.ts';
import type { ProcessLogger } from './create-logger.ts';
import { describeError, errorCodes } from './describe-error.ts';
import { createRequestedModel } from './requested-model.ts';
import { createRequestLine, type RequestFields } from './request-line.ts';

/** Writes the access log, refused credentials and internal errors. Never a header value that may be secret, never a body. */
export interface RequestLog {
  requestEnded(inbound: ObservedRequest, record: RequestRecord, details: RequestDetails): void;
  /** `person`: who was refused, where a token proved it. */
  credentialRefused(inbound: ObservedRequest, reason: string, person?: Person): void;
  internalError(inbound: ObservedRequest, failure: unknown): void;
  /** The credential of a cloud came to be there, could not be had, or could not be renewed. */
  upstreamCredential(upstream: string, status: CredentialStatus): void;
}

/** Makes the request log. `observerError` counts what fails here: logging never fails a request. */
export function createRequestLog({ logger, writeLine }: Pick<ProcessLogger, 'logger' | 'writeLine'>, trustedProxies: () => BlockList, observerError: (error: unknown) => void): RequestLog {
  const guarded = <Parameters extends readonly unknown[]>(write: (...parameters: Parameters) => void) => (...parameters: Parameters): void => {
    try {
      write(...parameters);
    } catch (error) {
      observerError(error);
    }
  };
  const requestLine = createRequestLine();
  const requestedModel = createRequestedModel();
  const answeringModel = createRequestedModel();
  return {
    requestEnded: guarded((inbound, record, details) => {
      const isRoutine = details.isRoutine === true;
      const fault = faultOf(record.outcome, record.status);
      const level = isRoutine ? 'debug' : levelOf(record.outcome, fault);
      if (!logger.isLevelEnabled(level)) return;
      const fields = describeRequest(inbound, record, details, { fault, requestedModel: requestedModel(record.requestedModel), model: answeringModel(record.model) });
      if (level === 'debug' || writeLine === undefined) logger[level](fields, 'request');
      else writeLine(requestLine(fields, level));
    }),
    credentialRefused: guarded((inbound, reason, person) => {
      const { socket, rawHeaders } = inbound.request;
      logger.warn({
        request_id: inbound.id, reason, ...(person === undefined ? {} : { person: principalText(person) }), client_address: clientAddress(socket.remoteAddress, rawHeaders, trustedProxies()),
      }, 'credential refused');
    }),
    internalError: guarded((inbound, failure) => {
      logger.error({ request_id: inbound.id, error: describeError(failure) }, 'internal error');
    }),
    upstreamCredential: guarded((upstream, { state, error }) => {
      logger[error === undefined ? 'info' : 'warn']({ upstream, state, ...(error === undefined ? {} : { code: error.code, error: error.message }) }, 'upstream credential');
    }),
  };
}

/** What is derived from a record for its line. */
interface Derived {
  readonly fault: Fault;
  /** Both names as a log may show them. */
  readonly requestedModel: string | undefined;
  readonly model: string | undefined;
}

/** The word for why a request failed, the same on both sides; `undefined` for one that did not. What the upstream answered has its status, not a word. */
function causeOf({ outcome }: RequestRecord, { cause, errorCode }: RequestDetails): string | undefined {
  if (outcome === 'ok') return undefined;
  if (outcome === 'upstream_error' || outcome === 'stream_error_event') return outcome;
  return cause ?? errorCode ?? outcome;
}

function describeRequest(inbound: ObservedRequest, record: RequestRecord, details: RequestDetails, { fault, requestedModel, model }: Derived): RequestFields {
  const { session_id, agent_id, parent_agent_id, traceparent } = inbound.loggedFields ?? readLoggedFields(inbound.request.rawHeaders);
  return {
    request_id: record.requestId, upstream_request_id: loggedId(details.upstreamRequestId), side: record.side, client: record.client,
    person: details.person === undefined ? undefined : principalText(details.person), email: details.person?.email, groups: details.person?.groups,
    route: record.route, method: record.method, status: record.status, outcome: record.outcome,
    fault, cause: causeOf(record, details),
    duration_ms: round(record.durationMs), first_byte_ms: round(record.timeToFirstByteMs), overhead_ms: round(record.overheadMs),
    slot_wait_ms: round(details.slotWaitMs), connect_ms: round(details.connectMs), upstream_head_ms: round(details.upstreamHeadMs),
    largest_gap_ms: round(record.largestGapMs), request_bytes: record.requestBytes, response_bytes: record.responseBytes,
    trace_id: inbound.trace?.traceId, span_id: inbound.trace?.spanId,
    requested_model: requestedModel, model, usage: record.usage, usage_source: record.usageSource,
    cost_dollars: record.cost === undefined ? undefined : dollarsOf(record.cost.nanoDollars), cost_estimated: record.cost?.isEstimated === true ? true : undefined, batch: details.loggedBatch,
    failure: errorCodes(details.failure) ?? details.errorCode, missing_backends: details.missingBackends,
    upstream: record.side === 'native' && details.upstream !== ONLY_UPSTREAM ? details.upstream : undefined, failovers: details.failovers,
    session_id, agent_id, parent_agent_id, traceparent,
  };
}

function round(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : Math.round(milliseconds * 1000) / 1000;
}
