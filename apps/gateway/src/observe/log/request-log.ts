import type { BlockList } from 'node:net';
import { clientAddress } from '../../access/clients/client-address.ts';
import { loggedId, readLoggedFields } from '../../request/logged-fields.ts';
import type { ObservedRequest } from '../../request/observed-request.ts';
import type { RequestDetails, RequestRecord } from '../../request/request-record.ts';
import type { ProcessLogger } from './create-logger.ts';
import { describeError, errorCodes } from './describe-error.ts';
import { createRequestedModel } from './requested-model.ts';
import { createRequestLine, type RequestFields } from './request-line.ts';

/** Writes the access log, refused credentials and internal errors. Never a header value that may be secret, never a body. */
export interface RequestLog {
  requestEnded(inbound: ObservedRequest, record: RequestRecord, details: RequestDetails): void;
  credentialRefused(inbound: ObservedRequest, reason: string): void;
  internalError(inbound: ObservedRequest, failure: unknown): void;
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
      if (!logger.isLevelEnabled(isRoutine ? 'debug' : 'info')) return;
      const fields = describeRequest(inbound, record, details, requestedModel(record.requestedModel), answeringModel(record.model));
      if (isRoutine) logger.debug(fields, 'request');
      else if (writeLine === undefined) logger.info(fields, 'request');
      else writeLine(requestLine(fields));
    }),
    credentialRefused: guarded((inbound, reason) => {
      const { socket, rawHeaders } = inbound.request;
      logger.warn({ request_id: inbound.id, reason, client_address: clientAddress(socket.remoteAddress, rawHeaders, trustedProxies()) }, 'credential refused');
    }),
    internalError: guarded((inbound, failure) => {
      logger.error({ request_id: inbound.id, error: describeError(failure) }, 'internal error');
    }),
  };
}

function describeRequest(inbound: ObservedRequest, record: RequestRecord, details: RequestDetails, requestedModel: string | undefined, answeringModel: string | undefined): RequestFields {
  const { session_id, agent_id, parent_agent_id, traceparent } = inbound.loggedFields ?? readLoggedFields(inbound.request.rawHeaders);
  return {
    request_id: record.requestId, upstream_request_id: loggedId(details.upstreamRequestId), side: record.side, client: record.client,
    route: record.route, method: record.method, status: record.status, outcome: record.outcome,
    duration_ms: round(record.durationMs), first_byte_ms: round(record.timeToFirstByteMs), overhead_ms: round(record.overheadMs),
    slot_wait_ms: round(details.slotWaitMs), connect_ms: round(details.connectMs), upstream_head_ms: round(details.upstreamHeadMs),
    largest_gap_ms: round(record.largestGapMs), request_bytes: record.requestBytes, response_bytes: record.responseBytes,
    trace_id: inbound.trace?.traceId, span_id: inbound.trace?.spanId,
    requested_model: requestedModel, model: answeringModel, usage: record.usage, usage_source: record.usageSource,
    failure: details.errorCode ?? errorCodes(details.failure), missing_backends: details.missingBackends,
    session_id, agent_id, parent_agent_id, traceparent,
  };
}

function round(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : Math.round(milliseconds * 1000) / 1000;
}
