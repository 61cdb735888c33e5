import { performance } from 'node:perf_hooks';
import { EventEmitter } from 'node:events';
import { Dispatcher } from './undici/undici-parts.ts';
import { createConnector, fixedServername, type Connector } from './connect/connector.ts';
import { resolveProxy } from './connect/proxy-from-environment.ts';
import type { UpstreamDispatchOptions, UpstreamHandler } from './dispatch-options.ts';
import { DeadlineClock } from './exchange/deadline-clock.ts';
import type { ExchangeContext } from './exchange/exchange-context.ts';
import { Exchange } from './exchange/exchange.ts';
import { checkOptions, resolveLimits, resolveOrigin, resolvePool, resolveTimeouts, type PoolOptions, type RequestTimeouts, type UpstreamClientOptions } from './options.ts';
import { openClient } from './pool/open-client.ts';
import { SlotPool } from './pool/slot-pool.ts';
import type { CloseOptions, UpstreamClient } from './upstream-client.ts';
import type { UpstreamStats } from './upstream-events.ts';

type Callback = () => void;
type AnyListener = Parameters<NodeJS.EventEmitter['on']>[1];

/** What the dispatcher is put together from. */
interface Parts {
  readonly origin: URL;
  readonly timeouts: RequestTimeouts;
  readonly connect: Connector;
  readonly options: UpstreamClientOptions;
}

/**
 * The dispatcher itself. Members are TypeScript-private, not `#private`: undici's `compose` puts a `Proxy` around a
 * dispatcher, and a `#private` member cannot be read through one.
 */
class UpstreamDispatcher extends Dispatcher implements UpstreamClient {
  private readonly url: URL;
  private readonly pool: SlotPool;
  private readonly context: ExchangeContext;
  private readonly idleCallbacks: Callback[] = [];
  private timeouts: RequestTimeouts;
  private drainWanted = false;

  constructor({ origin, timeouts, connect, options }: Parts) {
    super();
    this.url = origin;
    this.timeouts = timeouts;
    const limits = resolveLimits(options.limits);
    const notify: ExchangeContext['notify'] = (name, event) => { this.announce(name, event); };
    this.pool = new SlotPool({
      pool: resolvePool(options.pool),
      connect,
      notify,
      onCapacityFreed: () => { this.checkIdle(); },
      openClient: (slot, socket, expiryMs) => openClient(slot, socket, expiryMs, {
        origin, allowH2: options.allowH2 ?? false, limits, isPlain: options.plain ?? false,
        onClosed: (closed, gone) => { this.pool.socketClosed(closed, gone); },
      }),
    });
    this.context = {
      pool: this.pool, clock: new DeadlineClock(), limits, closeDelimitedCheck: options.closeDelimitedCheck, notify, url: origin,
      servername: fixedServername(origin, options.tls ?? {}),
      wants: (name) => this.listenerCount(name) > 0,
      isPlain: options.plain ?? false,
      onHandlerError: (error) => { this.reportError(error); },
    };
  }

  override dispatch(options: UpstreamDispatchOptions, handler: UpstreamHandler): boolean {
    if (handler === null || typeof handler !== 'object' || typeof handler.onResponseError !== 'function') throw new TypeError('handler must have an onResponseError method');
    const exchange = new Exchange(handler, options, this.timeouts, this.context);
    exchange.start();
    const isFree = this.pool.shares.waiting === 0;
    if (!isFree) this.drainWanted = true;
    return isFree;
  }

  override on(name: string, listener: AnyListener): this {
    EventEmitter.prototype.on.call(this, name, listener);
    return this;
  }
  override once(name: string, listener: AnyListener): this {
    EventEmitter.prototype.once.call(this, name, listener);
    return this;
  }
  override off(name: string, listener: AnyListener): this {
    EventEmitter.prototype.off.call(this, name, listener);
    return this;
  }

  stats(): UpstreamStats {
    const { pool } = this;
    const idle = pool.idle.length + pool.settling;
    return {
      origin: this.url.origin,
      maxConnections: pool.pool.maxConnections,
      maxKeepAliveConnections: pool.pool.maxKeepAliveConnections,
      maxWaiting: pool.pool.maxWaiting,
      open: pool.active + idle + pool.connecting,
      active: pool.active,
      idle,
      connecting: pool.connecting,
      waiting: pool.shares.waiting,
      oldestWaitMs: Math.max(0, performance.now() - pool.shares.oldestWaiter),
      longLived: pool.shares.longLived,
      maxLongLived: pool.shares.maxLongLived,
      clients: pool.shares.stats(),
    };
  }

  load(): number {
    const { pool } = this;
    return (pool.active + pool.connecting + pool.shares.eligible) / Math.max(1, pool.pool.maxConnections);
  }

  resize(pool: PoolOptions): void {
    this.pool.resize(resolvePool(pool, this.pool.pool));
  }

  setTimeouts(timeouts: Partial<RequestTimeouts>): void {
    this.timeouts = resolveTimeouts(timeouts, this.timeouts);
  }

  override close(callback: Callback): void;
  override close(options?: CloseOptions): Promise<void>;
  override close(argument?: CloseOptions | Callback): Promise<void> | void {
    this.pool.drain();
    if (typeof argument === 'function') { this.whenIdle(argument); return undefined; }
    const { promise: done, resolve } = Promise.withResolvers<void>();
    this.whenIdle(resolve);
    if (argument?.graceMs === undefined) return done;
    const timer = setTimeout(() => { this.pool.shutDown(null); }, argument.graceMs);
    return done.finally(() => { clearTimeout(timer); });
  }

  override destroy(callback: Callback): void;
  override destroy(error: Error | null, callback: Callback): void;
  override destroy(error?: Error | null): Promise<void>;
  override destroy(first?: Error | null | Callback, second?: Callback): Promise<void> | void {
    const callback = typeof first === 'function' ? first : second;
    this.pool.shutDown(typeof first === 'function' ? null : first ?? null);
    if (callback !== undefined) { this.whenIdle(callback); return undefined; }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.whenIdle(resolve);
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }

  private whenIdle(callback: Callback): void {
    this.idleCallbacks.push(callback);
    // Later, as undici does: a callback must not run before `close` has returned.
    queueMicrotask(() => { this.checkIdle(); });
  }

  private checkIdle(): void {
    if (this.drainWanted && this.pool.shares.waiting === 0) {
      this.drainWanted = false;
      this.announceDrain();
    }
    if (this.idleCallbacks.length === 0 || this.pool.size > 0 || this.pool.shares.waiting > 0) return;
    for (const callback of this.idleCallbacks.splice(0)) callback();
  }

  private announce(name: string, event: unknown): void {
    try {
      (this as NodeJS.EventEmitter).emit(name, event);
    } catch (error) {
      this.reportError(error);
    }
  }

  /** With undici's own arguments. */
  private announceDrain(): void {
    try {
      (this as NodeJS.EventEmitter).emit('drain', this.url, [this]);
    } catch (error) {
      this.reportError(error);
    }
  }

  /** An exception in a listener or an error callback must not reach the connection it was told about. */
  private reportError(error: unknown): void {
    const emitter = this as NodeJS.EventEmitter;
    if (emitter.listenerCount('error') > 0) emitter.emit('error', error);
    else process.emitWarning(error instanceof Error ? error : new Error(String(error)));
  }
}

/**
 * Makes a client for one origin: an undici `Dispatcher` with its own bounded pool and clocks, TLS always verified.
 *
 * @throws UpstreamOptionError when an option is unknown, absent, or of no use; the message names the option, the expectation and what was received.
 */
export function createUpstreamClient(options: UpstreamClientOptions): UpstreamClient {
  checkOptions(options);
  const origin = resolveOrigin(options.origin);
  const timeouts = resolveTimeouts(options.timeouts);
  const proxy = options.proxy === undefined ? undefined : resolveProxy(options.proxy);
  const connect = createConnector({ origin, tls: options.tls ?? {}, allowH2: options.allowH2 ?? false, proxy, isPlain: options.plain ?? false });
  return new UpstreamDispatcher({ origin, timeouts, connect, options });
}
