import { headerOf, type Exchange } from '../http/exchange.ts';

/** The headers that decide what a request body may hold. */
export interface ValidationHeaders {
  readonly 'anthropic-version'?: string | undefined;
  /** The whole list, repeated fields joined with a comma. */
  readonly 'anthropic-beta'?: string | undefined;
}

/** The headers of an exchange that validation looks at. */
export function validationHeaders(exchange: Pick<Exchange, 'rawHeaders'>): ValidationHeaders {
  return { 'anthropic-version': headerOf(exchange, 'anthropic-version'), 'anthropic-beta': headerOf(exchange, 'anthropic-beta') };
}
