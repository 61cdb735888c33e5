import { isIP } from 'node:net';
import { Dispatcher } from 'undici';
import { createConnector, socketHost, type Connector } from './connect/connector.ts';
import type { UpstreamDispatchOptions, UpstreamHandler } from './dispatch-options.ts';
import { upstreamError } from './exchange/classify-error.ts';
import { Exchange, type ExchangeContext } from './exchange/exchange.ts';
import { prepareRequest, type PreparedRequest } from './exchange/prepare-request.ts';
import { resolveLimits, resolveOrigin, resolvePool, resolveTimeouts, type PoolOptions, type RequestTimeouts, type UpstreamClientOptions } from './options.ts';
import { openClient } from './pool/open-client.ts';
import { SlotPool } from './pool/slot-pool.ts';
import type { CloseOptions, UpstreamClient } from './upstream-client.ts';
import type { UpstreamClientEvents, UpstreamStats } from './upstream-events.ts';

type Callback = () => void;

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
class UpstreamDispatcher extends Dispatcher {
  private readonly url: URL;
  private readonly pool: SlotPool;
  private readonly context: ExchangeContext;
  private readonly exchanges: Set<Exchange> = new Set();
  private readonly idleCallbacks: Callback[] = [];
  private timeouts: RequestTimeouts;
  private drainWanted = false;

  constructor({ origin, timeouts, connect, options }: Parts) {
    super();
    this.url = origin;
    this.timeouts = timeouts;
    const limits = resolveLimits(options.limits);
    const notify: ExchangeContext['notify'] = (name, event) => { this.notify(name, event); };
    const hostname = socketHost(origin);
    const servername = options.tls?.servername ?? (isIP(hostname) === 0 ? hostname : undefined);
    this.pool = new SlotPool({
      pool: resolvePool(options.pool),
      connect,
      notify,
      openClient: (slot, socket, expiryMs) => openClient(slot, socket, expiryMs, {
        origin: origin.origin, allowH2: options.allowH2 ?? false, limits,
        onClosed: (closed, gone, reason) => { this.pool.socketClosed(closed, gone, reason); this.checkIdle(); },
      }),
    });
    this.context = {
      pool: this.pool, limits, notify, origin: origin.origin,
      servername: origin.protocol === 'https:' ? servername : undefined,
      wants: (name) => this.listenerCount(name) > 0,
      onHandlerError: (error) => { this.reportError(error); },
      onDone: (exchange) => { this.exchanges.delete(exchange); this.checkIdle(); },
    };
  }

  override dispatch(options: Dispatcher.DispatchOptions | UpstreamDispatchOptions, handler: Dispatcher.DispatchHandler | UpstreamHandler): boolean {
    if (handler === null || typeof handler !== 'object' || typeof handler.onResponseError !== 'function') throw new TypeError('handler must have an onResponseError method');
    let exchange: Exchange;
    try {
      const request: PreparedRequest = prepareRequest(options as UpstreamDispatchOptions, this.url);
      const own = (options as UpstreamDispatchOptions).timeouts;
      exchange = new Exchange(handler, request, own === undefined ? this.timeouts : resolveTimeouts(own, this.timeouts), this.context);
    } catch (error) {
      handler.onResponseError(undefined as unknown as Dispatcher.DispatchController, error as Error);
      return true;
    }
    this.exchanges.add(exchange);
    exchange.start();
    const isFree = this.pool.waiters.size === 0;
    if (!isFree) this.drainWanted = true;
    return isFree;
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
      waiting: pool.waiters.size,
    };
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
    const done = this.whenIdle();
    if (typeof argument === 'function') { void done.then(argument); return undefined; }
    if (argument?.graceMs === undefined) return done;
    const timer = setTimeout(() => { this.destroyAll(null); }, argument.graceMs);
    return done.finally(() => { clearTimeout(timer); });
  }

  override destroy(callback: Callback): void;
  override destroy(error: Error | null, callback: Callback): void;
  override destroy(error?: Error | null): Promise<void>;
  override destroy(first?: Error | null | Callback, second?: Callback): Promise<void> | void {
    const callback = typeof first === 'function' ? first : second;
    this.pool.drain();
    this.destroyAll(typeof first === 'function' ? null : first ?? null);
    const done = this.whenIdle();
    if (callback === undefined) return done;
    void done.then(callback);
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }

  private destroyAll(error: Error | null): void {
    for (const exchange of [...this.exchanges]) {
      exchange.fail(error ?? upstreamError('draining', exchange.phase, this.url.origin), 'shutdown');
    }
  }

  private whenIdle(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.idleCallbacks.push(resolve);
    this.checkIdle();
    return promise;
  }

  private checkIdle(): void {
    if (this.drainWanted && this.pool.waiters.size === 0) {
      this.drainWanted = false;
      (this as NodeJS.EventEmitter).emit('drain', this.url, [this]);
    }
    if (this.idleCallbacks.length === 0 || this.exchanges.size > 0 || this.pool.size > 0) return;
    for (const callback of this.idleCallbacks.splice(0)) callback();
  }

  private notify<Name extends keyof UpstreamClientEvents>(name: Name, event: UpstreamClientEvents[Name]): void {
    try {
      (this as NodeJS.EventEmitter).emit(name, event);
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
 * @throws TypeError when an option is out of range; the message names the option, the expectation and what was received.
 */
export function createUpstreamClient(options: UpstreamClientOptions): UpstreamClient {
  const origin = resolveOrigin(options.origin);
  const timeouts = resolveTimeouts(options.timeouts);
  const connect = createConnector({ origin, tls: options.tls ?? {}, allowH2: options.allowH2 ?? false });
  return new UpstreamDispatcher({ origin, timeouts, connect, options }) as unknown as UpstreamClient;
}
