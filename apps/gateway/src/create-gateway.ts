import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DROP_REASONS } from '@penstock/header-policy';
import { registerUpstreamMetrics } from '@penstock/upstream-metrics';
import { Registry } from 'prom-client';
import { createApplication, type RefusedRequest } from './application/create-application.ts';
import { describeParserError } from './application/describe-parser-error.ts';
import type { MountedSide } from './application/mounted-side.ts';
import { createTrustedProxies } from './clients/client-address.ts';
import { createClientRegistry } from './clients/client-registry.ts';
import type { GatewayConfig } from './config/gateway-config.ts';
import { createFrontDoorSide, FRONT_DOOR_ROUTES, type FrontDoorSide } from './front-door/create-front-door-side.ts';
import { createOriginCheck } from './inbound/check-origin.ts';
import { createInboundServer } from './inbound/create-inbound-server.ts';
import { INBOUND_LIMITS, type InboundLimits } from './inbound/inbound-limits.ts';
import { createDrain, type Drain } from './lifecycle/drain.ts';
import { createLifecycle, type Lifecycle } from './lifecycle/lifecycle.ts';
import { createLimiter, type Limiter } from './limits/limiter.ts';
import type { WorkerShare } from './limits/worker-share.ts';
import type { ProcessLogger } from './logging/create-logger.ts';
import { describeError } from './logging/describe-error.ts';
import { createRequestLog } from './logging/request-log.ts';
import { createGatewayMetrics, type GatewayMetrics } from './metrics/create-gateway-metrics.ts';
import { createNativeSide, type NativeSide } from './native/create-native-side.ts';
import { NATIVE_ROUTES, UNKNOWN_ROUTE, UNMATCHED_TEMPLATE } from './native/route-table.ts';
import type { Side } from './request-record.ts';

/** What one gateway process is made from. */
export interface GatewayOptions {
  readonly config: GatewayConfig;
  readonly processLogger: ProcessLogger;
  readonly version: string;
  /** How this gateway names itself in `Via`; equal in all workers of one gateway. */
  readonly viaPseudonym: string;
  /** Which worker of how many this process is. @defaultValue the only one */
  readonly share?: WorkerShare;
  /** Shorter inbound clocks, for tests. @defaultValue INBOUND_LIMITS */
  readonly inboundLimits?: Partial<InboundLimits>;
}

/** One running gateway process: the main listener and what stands behind it. */
export interface Gateway {
  readonly port: number;
  readonly lifecycle: Lifecycle;
  readonly metrics: GatewayMetrics;
  /** Parts that could not be made or are not well, by name. */
  readonly warnings: () => Readonly<Record<string, string>>;
  /** Applies a configuration that was reloaded to requests that come from now on. */
  update(config: GatewayConfig): void;
  /** Lets open responses end, refuses new requests, and resolves when everything is closed. */
  drain(): Promise<void>;
  /** Ends at once. */
  close(): Promise<void>;
}

/** Makes and starts one gateway process. Either side may fail to initialise: the other one serves, and the failure is shown. */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  let { config } = options;
  const { logger } = options.processLogger;
  const failures: Partial<Record<Side, string>> = {};
  const lifecycle = createLifecycle((state) => {
    metrics.setDraining(state === 'leaving' || state === 'refusing');
    logger.info({ state }, 'lifecycle');
  });
  const registry = new Registry();
  let nativeSide: NativeSide | undefined;
  const metrics = createGatewayMetrics({
    registry, version: options.version, clientNames: config.clients.map(({ name }) => name), dropReasons: DROP_REASONS,
    routes: { native: [...NATIVE_ROUTES, UNKNOWN_ROUTE].map(({ template }) => template).concat(UNMATCHED_TEMPLATE), front_door: FRONT_DOOR_ROUTES },
    readBudget: () => ({ usedBytes: nativeSide?.bufferedBytes() ?? 0, maxBytes: config.anthropic_native.max_buffered_bytes }),
  });
  let clients = createClientRegistry(config);
  let trustedProxies = createTrustedProxies(config.server.trusted_proxies);
  const log = createRequestLog(logger, () => trustedProxies, () => metrics.observerError());
  const upstreams = registerUpstreamMetrics({ registry, clients: {}, prefix: 'penstock_' });

  const make = <S>(side: Side, create: () => S): S | undefined => {
    try {
      return create();
    } catch (error) {
      failures[side] = error instanceof Error ? error.message : String(error);
      logger.error({ side, error: failures[side] }, 'a side of the gateway could not be started; the other one serves');
      return undefined;
    }
  };
  const limiterOf = (side: Side): Limiter => createLimiter({
    clients: config.clients, store: config.limits.store, failurePolicy: config.limits.on_store_failure, scope: side, ...(options.share === undefined ? {} : { share: options.share }),
    onStoreFailure: ({ operation, error }) => logger.warn({ side, operation, error: describeError(error) }, 'the limit store failed'),
  });

  nativeSide = make('native', () => createNativeSide({
    config, clients, metrics, log, lifecycle, limiter: limiterOf('native'), viaPseudonym: options.viaPseudonym,
  }));
  if (nativeSide !== undefined) upstreams.add('native', nativeSide.upstream);
  const frontDoorSide: FrontDoorSide | undefined = !config.openai_front_door.enabled ? undefined : make('front_door', () => createFrontDoorSide({
    config, clients, metrics, log, lifecycle, limiter: limiterOf('front_door'), viaPseudonym: options.viaPseudonym,
  }));
  for (const [name, client] of Object.entries(frontDoorSide?.upstreams ?? {})) upstreams.add(name, client);

  const boundCheck = (next: GatewayConfig): ReturnType<typeof createOriginCheck> => createOriginCheck({
    allowedHosts: next.server.allowed_hosts, boundHost: next.server.host, corsOrigins: next.server.cors_origins,
  });
  let checkOrigin = boundCheck(config);
  const native: MountedSide | undefined = nativeSide === undefined ? undefined : { handle: (_context, inbound) => nativeSide.handle(inbound) };
  const inboundLimits: InboundLimits = { ...INBOUND_LIMITS, ...options.inboundLimits };
  const onRequest = createApplication({
    version: options.version, lifecycle, checkOrigin: () => checkOrigin, inboundLimits, native, frontDoor: frontDoorSide,
    absent: {
      native: 'The Anthropic pass-through could not be started; the log of the gateway says why.',
      front_door: config.openai_front_door.enabled
        ? 'The OpenAI front door could not be started; the log of the gateway says why.'
        : 'Not found: the OpenAI front door is switched off. openai_front_door.enabled switches it on.',
    },
    onRefused: (refused) => recordRefused(metrics, refused),
    onInternalError: (requestId, error) => logger.error({ request_id: requestId, error: describeError(error) }, 'internal error'),
  });

  const server = createInboundServer({
    onRequest, maxConnections: config.server.max_connections, describeParserError, limits: inboundLimits, ...tlsOf(config),
  });
  await listen(server, config.server.host, config.server.port);
  lifecycle.moveTo('running');
  const drain: Drain = createDrain({
    server, lifecycle, settings: () => ({ preStopDelayMs: config.server.pre_stop_delay * 1000, drainTimeoutMs: config.server.drain_timeout * 1000 }),
    interrupt: (reason) => {
      nativeSide?.interrupt(reason);
      frontDoorSide?.interrupt(reason);
    },
    closeUpstreams: async (graceMs) => { await Promise.all([nativeSide?.close(graceMs), frontDoorSide?.close(graceMs)]); },
  });

  return {
    port: (server.address() as AddressInfo).port,
    lifecycle, metrics,
    warnings: () => ({ ...failures, ...(nativeSide?.isHealthy() === false ? { native_upstream: 'the last request to the upstream failed' } : {}) }),
    update(next) {
      config = next;
      clients = createClientRegistry(next);
      trustedProxies = createTrustedProxies(next.server.trusted_proxies);
      checkOrigin = boundCheck(next);
      logger.level = next.log.level;
      metrics.setClientNames(next.clients.map(({ name }) => name));
      nativeSide?.update(next, clients);
      frontDoorSide?.update(next, clients);
    },
    drain: () => drain.run(),
    close: () => drain.closeNow(),
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  await once(server, 'listening');
}

function tlsOf(config: GatewayConfig): { readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string } } {
  const { tls } = config.server;
  if (tls === undefined) return {};
  return { tls: { cert: tls.cert, key: tls.key, ...(tls.client_ca === undefined ? {} : { clientCa: tls.client_ca }) } };
}

function recordRefused(metrics: GatewayMetrics, { id, side, method, status, startedAt, responseBytes }: RefusedRequest): void {
  if (side === undefined) return;
  metrics.recordRequest({
    side, requestId: id, route: side === 'native' ? UNMATCHED_TEMPLATE : 'other', method, status, outcome: status >= 500 ? 'internal' : 'client_error',
    client: 'unauthenticated', durationMs: performance.now() - startedAt, isEventStream: false, requestBytes: 0, responseBytes,
  });
}
