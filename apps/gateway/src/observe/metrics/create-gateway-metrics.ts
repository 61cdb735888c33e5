import type { CounterSeries } from '@penstock/fast-metrics';
import type { FullListenerAction } from '@penstock/inbound-server';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { RefusalReason } from '../../access/clients/refusal.ts';
import { BUDGET_LIMIT, CLIENT_LIMIT_NAMES } from '../../config/sections/clients-section.ts';
import type { StoreOperation } from '../../access/limits/lease-book.ts';
import type { ObserverName, ObserverReport } from '../log/create-observer-report.ts';
import { OpenRequests, type OpenRequest } from '../../request/open-requests.ts';
import { bySide, faultOf, OUTCOMES, SIDES, UNMATCHED_ROUTES, type RequestRecord, type Side } from '../../request/request-record.ts';
import { createConfigMetrics } from './create-config-metrics.ts';
import { createRequestRecorder, MAX_ZEROED_SERIES } from './create-request-recorder.ts';
import { declareGatewayMetrics, type GatewayMetricSet, type GatewayState, type ReadBudgets } from './declare-gateway-metrics.ts';
import { BUILT_IN_CLIENTS, createClosedLabel, OTHER } from './label-bounds.ts';
import type { Quota } from '../status/quota.ts';
import { createQuotaGauges } from './quota-gauges.ts';

/** Every operation has an entry; the series of each exists from the start. */
const STORE_OPERATION_NAMES: Readonly<Record<StoreOperation, true>> = { admit: true, release: true, charge: true, renew: true };
const STORE_OPERATIONS = Object.keys(STORE_OPERATION_NAMES) as readonly StoreOperation[];

/** Which way a header field was going. */
export type HeaderDirection = 'request' | 'response';

/** The options of `createGatewayMetrics`. */
export interface GatewayMetricsOptions {
  /** Where the metrics live. @defaultValue a registry of its own, never prom-client's global one */
  readonly registry?: Registry;
  /** The configured client names; `anonymous` and `unauthenticated` are added, any other name is `other`. */
  readonly clientNames: readonly string[];
  /** The route templates of each side that there is, the main one first: its series exist at 0 from the start. Any other route is `other`. */
  readonly routes: Readonly<Partial<Record<Side, readonly string[]>>>;
  /** The version that `penstock_build_info` shows. */
  readonly version: string;
  /** The reasons for which a header field is dropped, zeroed in both directions. @defaultValue none */
  readonly dropReasons?: readonly string[];
  /** Reads the budgets of gathered request bytes at scrape time. @defaultValue the two series are absent */
  readonly readBudgets?: ReadBudgets;
  /** Whether this process loads the configuration, and has its series. @defaultValue true */
  readonly loadsConfiguration?: boolean;
  /** Called with the error of an observer; the count is kept here. @defaultValue none */
  readonly onObserverError?: ObserverReport;
  /** Whether prom-client's own process and Node metrics are added. @defaultValue true */
  readonly processMetrics?: boolean;
}

/** The gateway's metrics: one call for a finished request, and one for each thing that happens outside one. None of them throws. */
export interface GatewayMetrics {
  /** The registry that `/metrics` prints. */
  readonly registry: Registry;
  /** Records a request once, when its response body ended. */
  recordRequest(record: RequestRecord): void;
  /** The requests that are open now, by side. */
  readonly openRequests: Readonly<Record<Side, OpenRequests>>;
  requestStarted(side: Side, request: OpenRequest): void;
  requestEnded(side: Side, request: OpenRequest): void;
  streamOpened(side: Side): void;
  streamClosed(side: Side): void;
  /** Counts header fields that did not cross. */
  headersDropped(direction: HeaderDirection, dropped: readonly { readonly reason: string }[]): void;
  /** Counts a connection that found all places taken. */
  connectionsFull(action: FullListenerAction): void;
  /** Counts an exception of something that only watches. */
  observerError(observer: ObserverName, error: unknown): void;
  /** Counts a request that a limit of its client refused. */
  limitRejected(client: string, limit: string): void;
  /** Counts a request whose credential was refused. */
  credentialRefused(side: Side, reason: RefusalReason): void;
  /** Counts a step that the store of client limits failed at. */
  limitStoreFailed(side: Side, operation: StoreOperation): void;
  configReloaded(result: 'success' | 'failure'): void;
  /** The names that admitted requests may have: the configured ones and `anonymous`. */
  readonly clientNames: () => readonly string[];
  /** Replaces the configured client names, after a reload. */
  setClientNames(clientNames: readonly string[]): void;
  /** Makes the costs of message batches at an upstream 0 for each caller, as their corrections are: of a first estimate that begins a series Prometheus would see no increase. */
  zeroBatchCosts(upstream: string): void;
  /** Reads the rate-limit fields of an upstream's response; call it only for responses to the gateway's own credential. */
  quotaSeen(rawHeaders: readonly string[], upstream?: string): void;
  /** The quotas as the last responses named them. */
  quotas(): readonly Quota[];
  setDraining(draining: boolean): void;
}

/** Why keys are refused; the reasons of tokens follow when they occur. */
const REFUSALS_AT_ZERO: readonly RefusalReason[] = ['no_credential', 'unknown_key'];

/** Gauges whose names end in `_total`, which the exposition format keeps for counters; the same numbers exist by type. */
const MISNAMED_PROCESS_METRICS = ['nodejs_active_resources_total', 'nodejs_active_handles_total', 'nodejs_active_requests_total'];

/**
 * The loop's lag is sampled every 20 ms: prom-client's 10 ms costs twice the wake-ups for no better alert.
 * Its histogram starts anew at each scrape, so two scrapers halve each other's view.
 */
function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 });
  for (const name of MISNAMED_PROCESS_METRICS) registry.removeSingleMetric(name);
}

/** Every request drops a few fields: their counters are looked up by a map, not by labels. */
function createDropCounter({ headersDropped }: GatewayMetricSet, reasons: readonly string[]): GatewayMetrics['headersDropped'] {
  const childrenOf = (direction: HeaderDirection): ReadonlyMap<string, CounterSeries> =>
    new Map([...reasons, OTHER].map((reason) => [reason, headersDropped.series({ direction, reason })]));
  const children = { request: childrenOf('request'), response: childrenOf('response') };
  return (direction, dropped) => {
    for (let index = 0; index < dropped.length; index += 1) {
      const reason = dropped[index]?.reason ?? OTHER;
      const series = children[direction].get(reason) ?? children[direction].get(OTHER);
      if (series !== undefined) series.value += 1;
    }
  };
}

/** What a request can be refused for. */
const LIMITS: readonly string[] = [...CLIENT_LIMIT_NAMES, BUDGET_LIMIT];
/** The ends of requests whose first one an alert or a panel by client must see. */
const KINDS_AT_ZERO = [
  { status: '200', outcome: 'ok', fault: 'none' }, { status: '429', outcome: 'overloaded', fault: 'gateway' }, { status: '200', outcome: 'client_stalled', fault: 'client' },
] as const;

/** The sides that there are: only these have series. */
function sidesOf(routes: GatewayMetricsOptions['routes']): readonly Side[] {
  return SIDES.filter((side) => routes[side] !== undefined);
}

/** Makes series of closed label sets exist, so that `rate()` sees the first event of a kind. */
function zeroClosedSets(metrics: GatewayMetricSet, { routes, dropReasons = [] }: GatewayMetricsOptions): void {
  const sides = sidesOf(routes);
  for (const side of sides) {
    for (const operation of STORE_OPERATIONS) metrics.limitStoreFailures.series({ side, operation });
    for (const outcome of OUTCOMES) {
      for (const status of [400, 500]) metrics.outcomes.series({ side, outcome, fault: faultOf(outcome, status) });
    }
    for (const source of ['final', 'partial', 'missing']) metrics.usage.series({ side, source });
    for (const direction of ['request', 'response']) metrics.relayBytes.series({ side, direction });
    metrics.streamsWithoutStop.series({ side });
    metrics.overhead.series({ side });
    metrics.streamGap.series({ side });
    metrics.requests.series({ side, route: UNMATCHED_ROUTES[side], method: 'POST', status: '401', outcome: 'client_error', fault: 'client', client: 'unauthenticated' });
    const route = routes[side]?.[0];
    if (route === undefined) continue;
    for (const stream of ['true', 'false']) {
      metrics.seconds.series({ side, route, stream });
      metrics.firstByte.series({ side, route, stream });
    }
  }
  for (const side of sides) for (const reason of REFUSALS_AT_ZERO) metrics.credentialRefusals.series({ side, reason });
  for (const direction of ['request', 'response']) {
    for (const reason of dropReasons) metrics.headersDropped.series({ direction, reason });
  }
}

function zeroClients(metrics: GatewayMetricSet, routes: GatewayMetricsOptions['routes'], clients: readonly string[]): void {
  for (const client of clients) {
    for (const limit of LIMITS) metrics.limitRejections.series({ client, limit });
    for (const side of sidesOf(routes)) {
      const route = routes[side]?.[0];
      if (route === undefined) continue;
      for (const kind of KINDS_AT_ZERO) metrics.requests.series({ side, route, method: 'POST', ...kind, client });
    }
  }
}

/**
 * Creates the metrics of the gateway (its pools' series come from `@penstock/upstream-metrics`, into the same registry).
 *
 * Closed and small label sets exist at 0 from the start. Of `penstock_requests_total`, whose product of labels is large, only the success of each
 * client on each side's main route does; `penstock_request_outcomes_total` has every outcome for alerts.
 */
export function createGatewayMetrics(options: GatewayMetricsOptions): GatewayMetrics {
  const { registry = new Registry(), routes, version } = options;
  const state: GatewayState = {
    sides: sidesOf(routes), openRequests: bySide(() => new OpenRequests()), clients: createClosedLabel([]), streamsOpen: bySide(() => 0), draining: false,
  };
  const metrics = declareGatewayMetrics(registry, state, options.readBudgets);
  const observerErrors = metrics.observerErrors.series({});
  const fullListener: Readonly<Record<FullListenerAction, CounterSeries>> = { refused: metrics.connectionsRefused.series({}), closed_idle: metrics.connectionsEvicted.series({}) };
  const config = options.loadsConfiguration ?? true ? createConfigMetrics(registry) : undefined;
  const quota = createQuotaGauges(registry);
  const { clients } = state;
  const limits = createClosedLabel(LIMITS);
  const record = createRequestRecorder(metrics, { clients, routes: createClosedLabel(Object.values(routes).flat()), sides: state.sides });
  const countDropped = createDropCounter(metrics, options.dropReasons ?? []);

  function setClientNames(clientNames: readonly string[]): void {
    const names = [...new Set([...BUILT_IN_CLIENTS, ...clientNames])];
    clients.replace(names);
    // The unauthenticated neither succeed nor have limits.
    zeroClients(metrics, routes, names.filter((name) => name !== 'unauthenticated'));
  }

  const clientNames = (): readonly string[] => [...clients.names()].filter((name) => name !== 'unauthenticated');

  function zeroBatchCosts(upstream: string): void {
    for (const client of clientNames().slice(0, MAX_ZEROED_SERIES)) metrics.cost.series({ side: 'native', upstream, model: OTHER, client });
  }

  function observerError(observer: ObserverName, error: unknown): void {
    observerErrors.value += 1;
    try {
      options.onObserverError?.(observer, error);
    } catch {
      // The report is an observer itself, and the failure has been counted.
    }
  }

  /** Observing never hurts: whatever goes wrong here is a count, not an exception in the byte path. */
  function guarded<Parameters extends readonly unknown[]>(action: (...parameters: Parameters) => void): (...parameters: Parameters) => void {
    return (...parameters) => {
      try {
        action(...parameters);
      } catch (error) {
        observerError('metrics', error);
      }
    };
  }

  if (options.processMetrics ?? true) addProcessMetrics(registry);
  metrics.buildInfo.set({ version, node_version: process.version }, 1);
  zeroClosedSets(metrics, options);
  setClientNames(options.clientNames);

  return {
    registry,
    recordRequest: guarded(record),
    openRequests: state.openRequests,
    requestStarted: (side, request) => state.openRequests[side].add(request),
    requestEnded: (side, request) => state.openRequests[side].delete(request),
    streamOpened: (side) => void (state.streamsOpen[side] += 1),
    streamClosed: (side) => void (state.streamsOpen[side] -= 1),
    headersDropped: guarded(countDropped),
    connectionsFull: (action) => void (fullListener[action].value += 1),
    observerError,
    limitRejected: guarded((client, limit) => void (metrics.limitRejections.series({ client: clients.label(client), limit: limits.label(limit) }).value += 1)),
    credentialRefused: guarded((side, reason) => void (metrics.credentialRefusals.series({ side, reason }).value += 1)),
    limitStoreFailed: guarded((side, operation) => void (metrics.limitStoreFailures.series({ side, operation }).value += 1)),
    configReloaded: guarded((result) => config?.reloaded(result)),
    clientNames,
    setClientNames: guarded(setClientNames),
    zeroBatchCosts: guarded(zeroBatchCosts),
    quotaSeen: guarded((rawHeaders, upstream = 'native') => quota.read(rawHeaders, upstream)),
    quotas: () => quota.quotas(),
    setDraining: (draining) => void (state.draining = draining),
  };
}
