import { Buffer } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { gatherRequestBody, readRequestBody, type InboundLimits, type RequestBodyFailure, type WholeResponse } from '@penstock/inbound-server';
import { createRequestId } from '../../request/request-id.ts';
import { AdminError, adminFailure, LARGEST_ADMIN_BODY_BYTES, type Administer, type AdminRequest } from './admin-exchange.ts';

const BODY_FAILURES: Readonly<Record<RequestBodyFailure, () => AdminError>> = {
  too_large: () => new AdminError(413, `The request body must be at most ${LARGEST_ADMIN_BODY_BYTES} bytes.`),
  too_slow: () => new AdminError(400, 'The request body arrived too slowly.'),
  client_gone: () => new AdminError(400, 'The request body is not whole.'),
};

/** Reads a request and has it answered. `prefix` is what the listener puts before the paths. Never rejects. */
export async function answerAdminRequest(administer: Administer, request: IncomingMessage, limits: InboundLimits, prefix = ''): Promise<WholeResponse> {
  const answer = await receive(request, limits, prefix).then(administer).catch((error: unknown) => adminFailure(error, createRequestId()));
  return { status: answer.status, headers: [...answer.headers, 'x-content-type-options', 'nosniff'], body: Buffer.from(answer.body) };
}

async function receive(request: IncomingMessage, limits: InboundLimits, prefix: string): Promise<AdminRequest> {
  const { method = '', url = '', rawHeaders, headers } = request;
  // A browser's page has no business here, whatever its origin: no field of an answer would open it.
  if (headers.origin !== undefined && prefix !== '') throw new AdminError(403, 'The administration does not answer pages of browsers.');
  const body = readRequestBody(request, { maxBytes: LARGEST_ADMIN_BODY_BYTES, limits, createError: (failure) => BODY_FAILURES[failure]() });
  const chunks = headers['content-length'] === undefined && headers['transfer-encoding'] === undefined ? [] : await gatherRequestBody(body.chunks);
  const [path = '', ...query] = url.split('?');
  return { method, path: path.slice(prefix.length), query: query.join('?'), rawHeaders, body: Buffer.concat(chunks).toString('utf8') };
}
