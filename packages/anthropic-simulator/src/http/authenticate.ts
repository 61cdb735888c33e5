import { apiError } from './api-error.ts';
import type { Answer } from './answer.ts';
import { headerOf, type Exchange } from './exchange.ts';

/** The 401 of a request whose credential is not one of `apiKeys`; without `apiKeys` any credential or none will do. */
export function authenticationFailure(exchange: Exchange, apiKeys: readonly string[] | undefined): Answer | undefined {
  if (apiKeys === undefined) return undefined;
  const key = headerOf(exchange, 'x-api-key');
  const bearer = /^bearer +(.*)$/i.exec(headerOf(exchange, 'authorization') ?? '')?.[1];
  if (key === undefined && bearer === undefined) return apiError(401, exchange.requestId, { message: 'x-api-key header is required' });
  if (key !== undefined && !apiKeys.includes(key)) return apiError(401, exchange.requestId, { message: 'invalid x-api-key' });
  if (key === undefined && !apiKeys.includes(bearer ?? '')) return apiError(401, exchange.requestId, { message: 'Invalid bearer token' });
  return undefined;
}
