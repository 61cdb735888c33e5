import { Buffer } from 'node:buffer';
import { headerValue, type BackendResponse } from '../backend.ts';
import { FrontDoorError } from '../errors/front-door-error.ts';
import { translateErrorBody } from '../messages-core/upstream-error.ts';
import { translateResponseHeaders } from '../messages-core/response-headers.ts';
import type { Exchange } from './exchange.ts';
import { gatherErrorText } from './gather-body.ts';

/** Writes a whole JSON answer. */
export function answerJson(exchange: Exchange, status: number, headers: readonly string[], value: unknown): Promise<void> {
  return answerJsonBytes(exchange, status, headers, Buffer.from(JSON.stringify(value)));
}

/** Writes a whole JSON answer whose text is there. */
export async function answerJsonBytes(exchange: Exchange, status: number, headers: readonly string[], body: Uint8Array): Promise<void> {
  exchange.client.writeHead(status, [...headers, 'content-type', 'application/json; charset=utf-8', 'content-length', String(body.length)]);
  await exchange.client.end(body);
}

/** Answers with an upstream's own error: its status and words in OpenAI's shape, its retry hints and ids beside them. */
export async function answerUpstreamError(exchange: Exchange, response: BackendResponse): Promise<void> {
  requireFinalStatus(response.status);
  exchange.record.outcome = 'upstream_error';
  const body = translateErrorBody(response.status, await gatherErrorText(response.body));
  await answerJson(exchange, response.status, translateResponseHeaders(response.rawHeaders, exchange.requestId), body);
}

/** A redirect is never followed nor handed on: either would send the request to an address that is not configured. */
export function requireFinalStatus(status: number): void {
  if (status >= 400 && status <= 599) return;
  throw new FrontDoorError('upstream_invalid', 'The upstream gave an answer that cannot be read.');
}

/** Whether a response says that its body is of a media type. */
export function hasMediaType(response: BackendResponse, mediaType: string): boolean {
  return (headerValue(response.rawHeaders, 'content-type') ?? '').split(';')[0]?.trim().toLowerCase() === mediaType;
}
