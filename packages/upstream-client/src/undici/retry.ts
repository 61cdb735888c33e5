import type { OptionType } from '@penstock/option-names';
import type { Dispatcher, RetryHandler as RetryHandlerClass } from 'undici';
import { checkTypes } from '../options.ts';
import { isUpstreamError, type UpstreamErrorCode } from '../upstream-error.ts';
import { defaultRetry, retryInterceptor } from './undici-parts.ts';

/**
 * The codes that stand for the failures after which undici's `interceptors.retry()` sends an idempotent request again: pass them as its
 * `errorCodes`, since by itself it knows system errors only. `retry()` of this package uses them.
 */
export const RETRY_ERROR_CODES: readonly UpstreamErrorCode[] = Object.freeze(['connect_timeout', 'unreachable', 'reset', 'truncated'] as const);

/** Options of `retry`: those of undici's interceptor, except for what this one decides. */
export type RetryOptions = Omit<RetryHandlerClass.RetryOptions, 'retry' | 'errorCodes'>;

const OPTIONS: Readonly<Record<keyof RetryOptions, OptionType>> = Object.freeze({
  throwOnError: 'boolean?', maxRetries: 'number?', maxTimeout: 'number?', minTimeout: 'number?', timeoutFactor: 'number?', methods: 'list?', retryAfter: 'boolean?', statusCodes: 'list?',
});

type Policy = NonNullable<RetryHandlerClass.RetryOptions['retry']>;

/**
 * undici's retry interceptor for a client of this package: `client.compose(retry())`. An idempotent request is sent again after the failures
 * of `RETRY_ERROR_CODES`; one with another method (POST) only if the error is `retryable`, that is if no byte of it was written. A full pool
 * (`slot_timeout`, `queue_full`) is never a reason for another attempt. Number of attempts, backoff and status codes are those of undici.
 *
 * @throws UpstreamOptionError `unknown_option`: undici would ignore a mistyped option; `invalid_option`: one of another type.
 */
export function retry(options: RetryOptions = {}): Dispatcher.DispatcherComposeInterceptor {
  checkTypes(options, OPTIONS);
  return retryInterceptor({ ...options, errorCodes: [...RETRY_ERROR_CODES], retry: decide });
}

const decide: Policy = (error, context, callback) => {
  if (!isUpstreamError(error) || !error.retryable) return defaultRetry(error, context, callback);
  const { opts } = context;
  return defaultRetry(error, { ...context, opts: { ...opts, retryOptions: { ...opts.retryOptions, methods: [opts.method] } } }, callback);
};
