import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { DROP_REASONS } from '@penstock/header-policy';
import { createInboundServer, DEFAULT_INBOUND_LIMITS, type InboundLimits, type InboundTls, type KeepAliveTimes, renewCertificate } from '@penstock/inbound-server';
import type { GroupNote } from '@penstock/upstream-group';
import { Registry } from 'prom-client';
import { createApplication } from './http/create-application.ts';
import { describeParserError } from './http/describe-parser-error.ts';
import type { Administer } from './access/admin/admin-exchange.ts';
import { createTrustedProxies, isTrustedProxy } from './access/clients/client-address.ts';
import { createIdentity } from './access/identity/identity.ts';
import { allowedHostsOf } from './config/allowed-hosts.ts';
import type { GatewayConfig } from './config/gateway-config.ts';
import { statefulUpstream } from './config/native-upstreams.ts';
import { PLAIN } from './config/plain.ts';
import { chargeOpenRequests } from './cost/charge-open-requests.ts';
import { createPriceBook } from './cost/price-book.ts';
import { readPriceSettings } from './cost/price-settings.ts';
import { createUnpricedModels } from './cost/unpriced-models.ts';
import { createSides } from './create-sides.ts';
import { CONFIG_MEMBER_TYPES } from './config-member-types.ts';
import { checkOptions, checkTypes } from './gateway-option-error.ts';
import { CONFIG_SECTION_TYPES, GATEWAY_OPTION_TYPES, type GatewayOptions } from './gateway-options.ts';
import { cloudRoutes, type CloudRoutes, describeAbsentFrontDoor, isOff, loadClouds, mountClouds, mountNative, readBudgets } from './mount-sides.ts';
import { FRONT_DOOR_ROUTES } from './front-door/create-front-door-side.ts';
import { createOriginCheck, type OriginCheck } from './http/check-origin.ts';
import { describeParts, type PartConditions } from './observe/causes.ts';
import { createFullReport } from './observe/log/create-full-report.ts';
import { createDrain } from './process/drain.ts';
import { reportDrain } from './process/report-drain.ts';
import { createLifecycle, type Lifecycle } from './process/lifecycle.ts';
import { createLimiter } from './access/limits/create-limiter.ts';
import { createObserverReport } from './observe/log/create-observer-report.ts';
import { auditRefusals } from './observe/log/audit-refusals.ts';
import { describeError } from './observe/log/describe-error.ts';
import { reportOldRequests } from './observe/log/report-old-requests.ts';
import { createRequestLog } from './observe/log/request-log.ts';
import { createGatewayMetrics, type GatewayMetrics } from './observe/metrics/create-gateway-metrics.ts';
import type { ReadBudgets } from './observe/metrics/declare-gateway-metrics.ts';
import type { HealthPart } from './pipe/health-part.ts';
import { NATIVE_ROUTES, UNKNOWN_ROUTE } from './native/route-table.ts';
import { loadUpstreamGroup } from './pipe/upstream-group.ts';
import { createRequestObserver } from './observe/request-observer.ts';
import { createStatusSource, type StatusSource } from './observe/status/create-status-source.ts';
import type { Successes, UpstreamSnapshot } from './observe/upstreams/upstream-snapshot.ts';
import { outcomeOfCode } from './request/gateway-error.ts';
import { SIDES, UNMATCHED_ROUTES } from './request/request-record.ts';
import { createCallers, openStatefulParts } from './open-stateful-parts.ts';
import { startTracing } from './observe/trace/start-tracing.ts';

/** One running gateway process: the main listener and what stands behind it. */
export interface Gateway {
  readonly port: number;
  readonly lifecycle: Lifecycle;
  readonly metrics: GatewayMetrics;
  /** What is wrong with parts other than upstreams: one that could not be made, or that fails. */
  readonly conditions: () => PartConditions;
  /** The same in words, for `/readyz`. */
  readonly warnings: () => Readonly<Record<string, string>>;
  /** Every upstream at this moment. */
  readonly upstreams: () => readonly UpstreamSnapshot[];
  /** What `/anthropic/health` shows of this process; absent without a native side. */
  readonly health: () => HealthPart | undefined;
  /** Takes what other workers have seen: their health, and the latest success of each upstream. */
  readonly takeFromOthers: (parts: readonly HealthPart[], successes: Successes) => void;
  /** Takes what other workers noted of upstreams and moved sessions. */
  readonly takeNotes: (notes: readonly GroupNote[]) => void;
  /** What a new worker has to take of them. */
  readonly notes: () => readonly GroupNote[];
  /** The status of this process; absent where `operations.page` is off. */
  readonly status: StatusSource | undefined;
  /** Answers requests to the administration; absent where there is no store. */
  readonly administer: Administer | undefined;
  /** Applies a configuration that was reloaded to requests that come from now on. */
  update(config: GatewayConfig): void;
  /** Opens the files of logs of its own anew. */
  reopenLogs(): void;
  /** Lets open responses end, refuses new requests, and resolves when everything is closed. */
  drain(): Promise<void>;
  /** The same where another process has taken over: no request is refused. */
  leaveToSuccessor(): Promise<void>;
  /** Ends at once. */
  close(): Promise<void>;
}

/** Makes and starts one gateway process. Either side may fail to initialise: the other one serves, and the failure is shown. */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  checkOptions(options, GATEWAY_OPTION_TYPES);
  let { config } = options;
  checkOptions(config, CONFIG_SECTION_TYPES, 'config.');
  for (const [section, types] of Object.entries(CONFIG_MEMBER_TYPES)) checkTypes(Reflect.get(config, section) as object, types, `config.${section}.`);
  const { logger } = options.processLogger;
  const lifecycle = createLifecycle((state) => {
    metrics.setDraining(state === 'leaving' || state === 'refusing');
    logger.info({ state }, 'lifecycle');
  });
  const registry = new Registry();
  const stateful = await openStatefulParts(options, registry, (error) => metrics.observerError('log', error));
  const opened = stateful.signIn;
  const clouds = await loadClouds(config);
  await loadUpstreamGroup(config);
  const metrics = createMetrics(options, registry, () => readBudgets(config, sides), { native: opened?.signIn.routes ?? [], clouds: cloudRoutes(config, clouds) });
  let trustedProxies = createTrustedProxies(config.server.trusted_proxies);
  const requestLog = createRequestLog(options.processLogger, () => trustedProxies, (error) => metrics.observerError('log', error));
  const log = auditRefusals(requestLog, stateful.auditLog, () => trustedProxies, () => opened?.tokenRefused());
  const openCount = (): number => SIDES.reduce((count, side) => count + metrics.openRequests[side].size, 0);
  const statusSource = config.operations.page
    ? createStatusSource({
      openRequests: () => SIDES.flatMap((side) => metrics.openRequests[side].list()),
      openCount,
      upstreams: () => sides.pools(), states: () => sides.upstreams(), quotas: () => metrics.quotas(),
    }) : undefined;
  let prices = createPriceBook(readPriceSettings(config));
  const unpriced = createUnpricedModels((model, upstream) => logger.warn({ model, upstream }, 'a model has no price'));
  const observer = createRequestObserver({ metrics, log, recent: statusSource?.recent, ledger: stateful.ledger, prices: () => prices, onUnpriced: (record) => unpriced.note(record) });
  if (stateful.ledger !== undefined) chargeOpenRequests(stateful.ledger, { openRequests: metrics.openRequests, prices: () => prices, hasBudgets: () => stateful.budgets?.budgets.gate.book.isEmpty === false, onError: (error) => metrics.observerError('cost', error) });
  const nameCallers = (current: GatewayConfig): void => {
    const upstream = statefulUpstream(current);
    if (stateful.ledger === undefined || upstream === undefined) return;
    metrics.zeroBatchCosts(upstream);
    stateful.ledger.nameCallers(metrics.clientNames(), upstream);
  };
  nameCallers(config);
  const tracing = await startTracing({ settings: options.tracing, version: options.version, logger, observerError: (error) => metrics.observerError('tracing', error) });
  const identity = createIdentity({ logger, signIn: options.signIn ?? opened?.signIn.verifier, keyTiming: options.keyTiming, isBudgetGroup: stateful.isBudgetGroup });
  let clients = createCallers(config, identity, stateful);
  const sides = createSides({
    config, clients, metrics, log, observer, logger, lifecycle, viaPseudonym: options.viaPseudonym, share: options.share, shareNote: options.shareNote, tracing,
    makeLimiter: options.makeLimiter ?? createLimiter, budgets: stateful.budgets?.budgets, clouds, measuresOutput: stateful.ledger !== undefined, administer: stateful.budgets?.administer,
  });
  let checkOrigin = originCheckOf(config);
  const inboundLimits: InboundLimits = { ...DEFAULT_INBOUND_LIMITS, ...keepAliveOf(config), ...options.inboundLimits };
  const onRequest = createApplication({
    version: options.version, lifecycle, inboundLimits,
    checkOrigin: () => checkOrigin,
    native: mountNative(config, sides),
    clouds: mountClouds(config, sides),
    ...(opened === undefined ? {} : { signIn: opened.signIn.mount({ clients: () => clients, trustedProxies: () => trustedProxies, lifecycle, metrics, log, observer }) }),
    frontDoor: sides.frontDoor,
    absentFrontDoor: describeAbsentFrontDoor(config),
    onRefused: (request, { side, status, refusal, responseBytes }) => {
      if (side === undefined || isOff(config, side)) {
        logger.info({ request_id: request.id, method: request.method, status, code: refusal.code }, 'refused');
        return;
      }
      if (tracing !== undefined) request.trace ??= tracing.begin(request);
      observer.settled(request, {
        side, route: undefined, status, outcome: outcomeOfCode(refusal.code), client: 'unauthenticated', isEventStream: false, requestBytes: 0, responseBytes,
        errorCode: refusal.code,
      });
    },
    onInternalError: (requestId, error) => logger.error({ request_id: requestId, error: describeError(error) }, 'internal error'),
  });
  const server = createInboundServer({
    onRequest, maxConnections: config.server.max_connections, describeParserError, limits: inboundLimits, plain: PLAIN, ...tlsOf(config),
    isTrusted: (socket) => isTrustedProxy(socket, trustedProxies),
    onFull: createFullReport(config.server.max_connections, metrics, logger),
  });
  try {
    await sides.ready();
    options.beforeListening?.();
    await listen(server, config.server.host, config.server.port);
  } catch (error) {
    // A connection to the limit store is open already, and would keep a process that cannot serve.
    statusSource?.close();
    await sides.close(0);
    identity.close();
    await stateful.close();
    await tracing?.shutdown();
    throw error;
  }
  lifecycle.moveTo('running');
  const drain = createDrain({
    server, lifecycle, interrupt: sides.interrupt, openRequests: openCount, closeUpstreams: sides.close,
    settings: () => ({ preStopDelayMs: config.server.pre_stop_delay * 1000, drainTimeoutMs: config.server.drain_timeout * 1000 }),
  });

  const stopReports = reportOldRequests(logger, metrics.openRequests);

  /** Traces are sent when the last request was settled. */
  async function endWith(ending: Promise<void>): Promise<void> {
    try {
      await ending;
    } finally {
      stopReports();
      identity.close();
      statusSource?.close();
      await stateful.close();
      await tracing?.shutdown();
    }
  }

  async function drainReported(): Promise<void> {
    const { pre_stop_delay: delay, drain_timeout: timeout } = config.server;
    const ended = drain.run();
    const stopReport = reportDrain({ logger, open: () => Object.values(metrics.openRequests).flatMap((open) => [...open]), timeoutMs: (delay + timeout) * 1_000 });
    try {
      await ended;
    } finally {
      stopReport();
    }
  }

  const conditions = (): PartConditions => ({ ...sides.conditions(), ...identity.conditions(), ...stateful.conditions(), ...unpriced.conditions() });

  return {
    port: (server.address() as AddressInfo).port,
    lifecycle, metrics,
    conditions,
    warnings: () => describeParts(conditions()),
    upstreams: sides.upstreams,
    health: () => sides.native?.health(),
    takeFromOthers(parts, successes) {
      sides.native?.setOtherHealth(parts);
      sides.native?.noteSuccesses(successes);
      sides.frontDoor?.noteSuccesses(successes);
      for (const cloud of sides.clouds) cloud.noteSuccesses(successes);
    },
    takeNotes: (notes) => { sides.native?.takeNotes(notes); },
    notes: () => sides.native?.notes() ?? [],
    status: statusSource,
    administer: stateful.budgets?.administer,
    update(next) {
      // First whatever may throw: a configuration is refused whole, or applied whole.
      const [proxies, origins, book] = [createTrustedProxies(next.server.trusted_proxies), originCheckOf(next), createPriceBook(readPriceSettings(next))];
      const applySides = sides.prepare(next);
      if (!isDeepStrictEqual(config.server.tls, next.server.tls)) renewCertificate(server, tlsOf(next).tls);
      config = next;
      [trustedProxies, checkOrigin, prices] = [proxies, origins, book];
      logger.level = next.log.level;
      metrics.setClientNames(callerNames(next));
      nameCallers(next);
      unpriced.clear();
      // Before the registry, which verifies tokens anew with the keys of this configuration.
      opened?.signIn.update(next);
      clients = createCallers(next, identity, stateful);
      applySides(clients);
    },
    reopenLogs: () => stateful.auditLog.reopen(),
    drain: () => endWith(drainReported()),
    leaveToSuccessor: () => endWith(drain.runForSuccessor()),
    close: () => endWith(drain.closeNow()),
  };
}

function createMetrics({ config, version, processLogger, share }: GatewayOptions, registry: Registry, budgets: ReadBudgets, more: { readonly native: readonly string[]; readonly clouds: CloudRoutes }): GatewayMetrics {
  return createGatewayMetrics({
    registry, version, clientNames: callerNames(config), dropReasons: DROP_REASONS,
    routes: { native: [...NATIVE_ROUTES, UNKNOWN_ROUTE].map(({ template }) => template).concat(UNMATCHED_ROUTES.native, more.native), front_door: FRONT_DOOR_ROUTES, ...more.clouds },
    onObserverError: createObserverReport(processLogger.logger),
    // With several workers the primary does.
    loadsConfiguration: share === undefined,
    readBudgets: budgets,
  });
}

/** The names that callers have in metrics: of clients, and of the policies of persons. */
function callerNames({ clients, policies }: GatewayConfig): string[] {
  return [...clients, ...policies].map(({ name }) => name);
}

function keepAliveOf({ server }: GatewayConfig): KeepAliveTimes {
  // Node's server takes whole milliseconds alone: 1.005 s are 1004.9999999999999 ms.
  const wholeMs = (seconds: number): number => Math.max(1, Math.round(seconds * 1000));
  return { keepAliveTimeoutMs: wholeMs(server.keep_alive_timeout), unauthenticatedKeepAliveTimeoutMs: wholeMs(server.unauthenticated_keep_alive_timeout) };
}

function originCheckOf(config: GatewayConfig): OriginCheck {
  const { server } = config;
  return createOriginCheck({ allowedHosts: allowedHostsOf(config), boundHost: server.host, corsOrigins: server.cors_origins });
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen({ port, host, backlog: DEFAULT_INBOUND_LIMITS.acceptBacklog });
  await once(server, 'listening');
}

function tlsOf(config: GatewayConfig): { readonly tls?: InboundTls } {
  const { tls } = config.server;
  if (tls === undefined) return {};
  return { tls: { cert: tls.cert, key: tls.key, ...(tls.client_ca === undefined ? {} : { clientCa: tls.client_ca }) } };
}
