// @ts-expect-error undici declares the types of its index only
import UndiciClient from 'undici/lib/dispatcher/client.js';
// @ts-expect-error likewise
import UndiciDispatcher from 'undici/lib/dispatcher/dispatcher.js';
// @ts-expect-error likewise
import undiciConnector from 'undici/lib/core/connect.js';
// @ts-expect-error likewise
import UndiciRequest from 'undici/lib/core/request.js';
// @ts-expect-error likewise
import undiciSymbols from 'undici/lib/core/symbols.js';
// @ts-expect-error likewise
import UndiciRetryHandler from 'undici/lib/handler/retry-handler.js';
// @ts-expect-error likewise
import undiciRetry from 'undici/lib/interceptor/retry.js';
import type { buildConnector as BuildConnector, Client as ClientClass, Dispatcher as DispatcherClass, interceptors as Interceptors, RetryHandler as RetryHandlerClass } from 'undici';

// The parts of undici that this package runs on, without the rest of it: its index also loads fetch, caches, mocks and
// WebSockets, 11 MB in every process. They are the very classes that the index exports, and undici is pinned to one version; a
// test compares them, so that another version cannot move them unnoticed.

/** The connection of one slot. */
export const Client: typeof ClientClass = UndiciClient;
/** What our client extends, so that undici takes it for one of its own. */
export const Dispatcher: typeof DispatcherClass = UndiciDispatcher;
/** Makes connections with a shared cache of TLS sessions. */
export const buildConnector: typeof BuildConnector = undiciConnector;
/** What a client makes of what it is asked to dispatch; its constructor is not ours to call. */
export const Request: { readonly prototype: object } = UndiciRequest;
/** Where a client keeps its requests, the latest at the end. */
export const kQueue: symbol = (undiciSymbols as Readonly<Record<'kQueue', symbol>>).kQueue;
/** Where a socket keeps the parser that reads it. */
export const kParser: symbol = (undiciSymbols as Readonly<Record<'kParser', symbol>>).kParser;
/** undici's retry interceptor. */
export const retryInterceptor: typeof Interceptors.retry = undiciRetry;
/** What it does for a failure where no `retry` is given: it decides by code, method, status and number, and waits. */
export const defaultRetry: NonNullable<RetryHandlerClass.RetryOptions['retry']> = readDefaultRetry();

function readDefaultRetry(): NonNullable<RetryHandlerClass.RetryOptions['retry']> {
  const symbol = (undiciSymbols as Readonly<Record<'kRetryHandlerDefaultRetry', symbol>>).kRetryHandlerDefaultRetry;
  return Reflect.get(UndiciRetryHandler as object, symbol) as NonNullable<RetryHandlerClass.RetryOptions['retry']>;
}
