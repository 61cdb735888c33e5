// @ts-expect-error undici declares the types of its index only
import UndiciDispatcher from 'undici/lib/dispatcher/dispatcher.js';
import type { Dispatcher as DispatcherClass } from 'undici';

/**
 * What a group extends, so that undici takes it for a dispatcher of its own.
 *
 * It is the class that undici's index exports, without the rest of the index, which loads fetch, caches and WebSockets: megabytes in every process. A
 * test compares the two.
 */
export const Dispatcher: typeof DispatcherClass = UndiciDispatcher;
