import { Buffer } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { gatherRequestBody, readRequestBody, type InboundLimits, type RequestBodyFailure, type WholeResponse } from '@penstock/inbound-server';
import { createRequestId } from '../../request/request-id.ts';
import { AdminError, adminFailure, LARGEST_ADMIN_BODY_BYTES, MAY_SEND_BODY, type AdminAnswer, type Administer, type AdminRequest } from './admin-exchange.ts';

const BODY_FAILURES: Readonly<Record<RequestBodyFailure, () => AdminError>> = {
  too_large: () => new AdminError(413, `The request body must be at most ${LARGEST_ADMIN_BODY_BYTES} bytes.`),
  too_slow: () => new AdminError(400, 'The request body arrived too slowly.'),
  client_gone: () => new AdminError(400, 'The request body is not whole.'),
};

/** What the listener knows of a request. */
export interface AdminListener {
  readonly limits: InboundLimits;
  /** The path as the listener read it, with its prefix. */
  readonly path: string;
  /** The address that it came from. @defaultValue that of the connection */
  readonly address?: string;
  /** What the listener puts before the paths. @defaultValue nothing */
  readonly prefix?: string;
}

/** Reads a request and has it answered; nothing of its body is read for one that may not ask. Never rejects. */
export async function answerAdminRequest(administer: Administer, request: IncomingMessage, listener: AdminListener): Promise<WholeResponse> {
  const answer = await receive(administer, request, listener).catch((error: unknown) => adminFailure(error, createRequestId()));
  return { status: answer.status, headers: [...answer.headers, 'x-content-type-options', 'nosniff'], body: Buffer.from(answer.body) };
}

async function receive(administer: Administer, request: IncomingMessage, { limits, path, prefix = '', address = request.socket.remoteAddress }: AdminListener): Promise<AdminAnswer> {
  const { method = '', url = '', rawHeaders, headers } = request;
  // A browser's page has no business here, whatever its origin: no field of an answer would open it.
  if (headers.origin !== undefined && prefix !== '') throw new AdminError(403, 'The administration does not answer pages of browsers.');
  const head: AdminRequest = { method, path: path.slice(prefix.length), query: url.split('?').slice(1).join('?'), rawHeaders, address, body: undefined };
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return administer({ ...head, body: '' });
  const judged = await administer(head);
  if (judged.status !== MAY_SEND_BODY) return judged;
  const body = readRequestBody(request, { maxBytes: LARGEST_ADMIN_BODY_BYTES, limits, createError: (failure) => BODY_FAILURES[failure]() });
  return administer({ ...head, body: Buffer.concat(await gatherRequestBody(body.chunks)).toString('utf8') });
}
