import type { Dispatcher, errors } from 'undici';
import type { UpstreamDispatchOptions, UpstreamHandler } from './dispatch-options.ts';
import type { PoolOptions, RequestTimeouts } from './options.ts';
import type { UpstreamClientEvents, UpstreamStats } from './upstream-events.ts';

/** How long `close` waits for requests under way. */
export interface CloseOptions {
  /** After this the rest is destroyed with `draining`. Absent: no limit. */
  readonly graceMs?: number;
}

type Listener<Name extends keyof UpstreamClientEvents> = (event: UpstreamClientEvents[Name]) => void;
type ConnectListener = (origin: URL, targets: readonly Dispatcher[]) => void;
type DisconnectListener = (origin: URL, targets: readonly Dispatcher[], error: errors.UndiciError) => void;
type DrainListener = (origin: URL) => void;

/** A hardened undici dispatcher for one origin. */
export interface UpstreamClient extends Dispatcher {
  /** Sends one request; throws nothing, every failure goes to `handler.onResponseError`. False while requests wait for a slot. */
  dispatch(options: UpstreamDispatchOptions, handler: UpstreamHandler): boolean;
  /** Listens to an event of this client; undici's own names are accepted because it is a `Dispatcher`, only `drain` is emitted. */
  on<Name extends keyof UpstreamClientEvents>(name: Name, listener: Listener<Name>): this;
  on(name: 'connect', listener: ConnectListener): this;
  on(name: 'disconnect' | 'connectionError', listener: DisconnectListener): this;
  on(name: 'drain', listener: DrainListener): this;
  on(name: 'error', listener: (error: unknown) => void): this;
  once<Name extends keyof UpstreamClientEvents>(name: Name, listener: Listener<Name>): this;
  once(name: 'connect', listener: ConnectListener): this;
  once(name: 'disconnect' | 'connectionError', listener: DisconnectListener): this;
  once(name: 'drain', listener: DrainListener): this;
  once(name: 'error', listener: (error: unknown) => void): this;
  off<Name extends keyof UpstreamClientEvents>(name: Name, listener: Listener<Name>): this;
  off(name: 'connect', listener: ConnectListener): this;
  off(name: 'disconnect' | 'connectionError', listener: DisconnectListener): this;
  off(name: 'drain', listener: DrainListener): this;
  off(name: 'error', listener: (error: unknown) => void): this;
  /** The pool at this moment. */
  stats(): UpstreamStats;
  /** Requests that hold a connection or would take a free one, as a part of `maxConnections`; above 1 some wait. Long-lived ones above their share are not among them. Cheap enough to ask for each request. */
  load(): number;
  /** Applies new pool numbers; what is left out stays. Growing acts at once, shrinking as connections become free. */
  resize(pool: PoolOptions): void;
  /** Applies new clocks to requests dispatched from now on; what is left out stays. */
  setTimeouts(timeouts: Partial<RequestTimeouts>): void;
  /** Takes no new requests and resolves when all dispatched ones have ended, or were destroyed after `graceMs`. */
  close(options?: CloseOptions): Promise<void>;
  close(callback: () => void): void;
  /** Ends every request with `error`, else with `draining`, and closes every connection. */
  destroy(error?: Error | null): Promise<void>;
  destroy(callback: () => void): void;
  destroy(error: Error | null, callback: () => void): void;
  /** The same as `destroy()`. */
  [Symbol.asyncDispose](): Promise<void>;
}
