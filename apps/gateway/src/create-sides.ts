import { performance } from 'node:perf_hooks';
import { registerUpstreamMetrics } from '@penstock/upstream-metrics';
import type { UpstreamClient } from '@penstock/upstream-client';
import type { GroupNote } from '@penstock/upstream-group';
import type { Logger } from 'pino';
import { beginJsonCheck } from './body/begin-json-check.ts';
import type { Administer } from './access/admin/admin-exchange.ts';
import type { Budgets } from './access/budgets/budgets.ts';
import type { ClientRegistry } from './access/clients/client-registry.ts';
import { createPolicyBook } from './access/policies/policy-book.ts';
import { PLAIN } from './config/plain.ts';
import type { GatewayConfig } from './config/gateway-config.ts';
import { servesNative } from './config/native-upstreams.ts';
import type { CloudGatewaySide } from './clouds/create-cloud-sides.ts';
import { configuredClouds, type ConfiguredCloud } from './config/configured-clouds.ts';
import { createFrontDoorSide, type FrontDoorSide } from './front-door/create-front-door-side.ts';
import type { Lifecycle } from './process/lifecycle.ts';
import type { Limiter, LimiterOptions } from './access/limits/limiter.ts';
import type { StoreFailurePolicy } from './config/sections/limits-section.ts';
import type { WorkerShare } from './config/worker-share.ts';
import type { Condition, PartConditions } from './observe/causes.ts';
import { describeError } from './observe/log/describe-error.ts';
import type { RequestLog } from './observe/log/request-log.ts';
import type { RequestObserver } from './observe/request-observer.ts';
import type { StatusUpstreamSource } from './observe/status/create-status-source.ts';
import type { UpstreamSnapshot } from './observe/upstreams/upstream-snapshot.ts';
import { declareUpstreamTimes } from './observe/metrics/upstream-times.ts';
import type { GatewayMetrics } from './observe/metrics/create-gateway-metrics.ts';
import { createNativeSide, type NativeSide } from './native/create-native-side.ts';
import { checkWholeJson } from './body/whole-json.ts';
import type { Side } from './request/request-record.ts';
import type { Tracing } from './observe/trace/tracing.ts';

/** The parts that both sides share. */
export interface SidesOptions {
  readonly config: GatewayConfig;
  readonly clients: ClientRegistry;
  readonly metrics: GatewayMetrics;
  readonly log: RequestLog;
  readonly observer: RequestObserver;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
  readonly viaPseudonym: string;
  readonly share: WorkerShare | undefined;
  readonly tracing: Tracing | undefined;
  /** Whether what models write is counted for every caller, not only for those with token limits. */
  readonly measuresOutput: boolean;
  readonly makeLimiter: (options: LimiterOptions) => Limiter;
  /** Absent where nothing is stored, so that nothing is counted. */
  readonly budgets: Budgets | undefined;
  readonly administer: Administer | undefined;
  /** Gets what other workers have to know of upstreams and moved sessions; absent where there are none. */
  readonly shareNote?: ((note: GroupNote) => void) | undefined;
  /** What serves clouds in their own formats, loaded only where one is configured. */
  readonly clouds: CloudModule | undefined;
}

/** The module of the clouds' sides. */
export type CloudModule = typeof import('./clouds/create-cloud-sides.ts');

/** The sides of the gateway. One that could not be made is absent, and `conditions` names it. */
export interface Sides {
  readonly native: NativeSide | undefined;
  readonly frontDoor: FrontDoorSide | undefined;
  /** Those of clouds that are configured. */
  readonly clouds: readonly CloudGatewaySide[];
  /** Sides that could not be made, and stores of limits that fail. */
  readonly conditions: () => PartConditions;
  /** The upstreams of both sides at this moment. */
  readonly upstreams: () => readonly UpstreamSnapshot[];
  /** Their pools. */
  readonly pools: () => readonly StatusUpstreamSource[];
  /** Resolves when the limit stores answered or their time was over; they are asked before the first request, not by it. */
  ready(): Promise<void>;
  /** Makes what a configuration needs, and throws where that cannot be; what it gives back applies the configuration, and does not throw. */
  prepare(config: GatewayConfig): (clients: ClientRegistry) => void;
  /** Breaks every open response visibly: a client never takes it for complete. */
  readonly interrupt: (reason: string) => void;
  readonly close: (graceMs: number) => Promise<void>;
}

const STORE_LOG_INTERVAL_MS = 10_000;

/** Makes the sides, each with upstream clients and limits of its own. */
export function createSides(options: SidesOptions): Sides {
  const { config, logger, metrics } = options;
  const failures: Record<string, Condition> = {};
  const upstreams = registerUpstreamMetrics({ registry: metrics.registry, clients: {}, prefix: 'penstock_', clientNames: metrics.clientNames, plain: PLAIN });
  const configured = options.clouds === undefined ? [] : configuredClouds(config);
  const limiters: Record<'native' | 'front_door', Limiter> & Partial<Record<Side, Limiter>> = {
    native: createSideLimiter(options, 'native'), front_door: createSideLimiter(options, 'front_door'),
    ...Object.fromEntries(configured.map(({ name }) => [name, createSideLimiter(options, name)])),
  };

  const make = <Made>(side: Side, create: () => Made): Made | undefined => {
    try {
      return create();
    } catch (error) {
      failures[side] = { cause: 'side_absent', party: side };
      logger.error({ side, error: describeError(error), reason: error instanceof Error ? error.message : String(error) }, 'a side of the gateway could not be started; the others serve');
      return undefined;
    }
  };
  const native = !servesNative(config) ? undefined : make('native', () => createNativeSide({ ...options, limiter: limiters.native, isDegraded: () => Object.keys(failures).length > 0 }));
  const observed = new Map<string, UpstreamClient>();
  const observeNative = (): void => {
    const pools = native?.pools() ?? [];
    for (const [name, client] of observed) {
      if (pools.some((pool) => pool.name === name && pool.client === client)) continue;
      upstreams.remove(name);
      observed.delete(name);
    }
    for (const { name, client } of pools) {
      if (observed.has(name)) continue;
      upstreams.add(name, client);
      observed.set(name, client);
    }
  };
  observeNative();
  const frontDoor = config.openai_front_door.enabled
    ? make('front_door', () => createFrontDoorSide({ ...options, limiter: limiters.front_door, beginJsonCheck, closeDelimitedCheck: checkWholeJson })) : undefined;
  for (const [name, client] of Object.entries(frontDoor?.upstreams ?? {})) upstreams.add(name, client);
  const clouds = configured.flatMap((cloud) => make(cloud.name, () => makeCloud(options, cloud, limiters[cloud.name])) ?? []);
  for (const { name, client } of clouds) upstreams.add(name, client);
  const pools = (): readonly StatusUpstreamSource[] => [
    ...(native?.pools() ?? []).map(({ name, client }) => ({ name, side: 'native' as const, stats: () => client.stats() })),
    ...Object.entries(frontDoor?.upstreams ?? {}).map(([name, client]) => ({ name, side: 'front_door' as const, stats: () => client.stats() })),
    ...clouds.map(({ name, client }) => ({ name, side: name, stats: () => client.stats() })),
  ];

  const describeUpstreams = (): readonly UpstreamSnapshot[] => [...native?.upstreams() ?? [], ...frontDoor?.upstreamStates() ?? [], ...clouds.flatMap((cloud) => cloud.upstreams())];
  declareUpstreamTimes(metrics.registry, describeUpstreams);

  return {
    native, frontDoor, clouds,
    conditions: () => ({ ...failures, ...limitConditions({ ...(native === undefined ? {} : { native: limiters.native }), ...(frontDoor === undefined ? {} : { front_door: limiters.front_door }), ...Object.fromEntries(clouds.map(({ name }) => [name, limiters[name]])) }) }),
    pools,
    upstreams: describeUpstreams,
    async ready() {
      await Promise.all(Object.values(limiters).map((limiter) => limiter.ready()));
    },
    prepare(next) {
      const limited = limitedCallers(next);
      const applyFrontDoor = frontDoor?.prepare(next);
      // The last: what it made is in use from here on.
      const applyNative = native?.prepare(next);
      return (clients) => {
        for (const limiter of Object.values(limiters)) limiter.update(limited, next.limits.on_store_failure);
        applyNative?.(clients);
        observeNative();
        applyFrontDoor?.(clients);
        for (const cloud of clouds) cloud.update(clients);
      };
    },
    interrupt(reason) {
      native?.interrupt(reason);
      frontDoor?.interrupt(reason);
      for (const cloud of clouds) cloud.interrupt(reason);
    },
    async close(graceMs) {
      await Promise.all([native?.close(graceMs), frontDoor?.close(graceMs), ...clouds.map((cloud) => cloud.close(graceMs))]);
      for (const limiter of Object.values(limiters)) limiter.close();
    },
  };
}

function makeCloud(options: SidesOptions, cloud: ConfiguredCloud, limiter: Limiter | undefined): CloudGatewaySide | undefined {
  const format = options.clouds?.cloudFormats(options.config)[cloud.name];
  if (format === undefined || limiter === undefined) return undefined;
  const { clients, metrics, log, observer, lifecycle, viaPseudonym, tracing, measuresOutput, budgets } = options;
  return options.clouds?.createCloudSide({ cloud, format, limiter, clients, metrics, log, observer, lifecycle, viaPseudonym, tracing, measuresOutput, budgets });
}

/** What becomes of the requests of limited clients while their limits cannot be counted. */
const WITHOUT_LIMITS: Readonly<Record<StoreFailurePolicy, string>> = {
  open: 'requests of limited clients are admitted uncounted', closed: 'requests of limited clients are refused with 429',
};

function limitConditions(limiters: Readonly<Partial<Record<Side, Limiter>>>): PartConditions {
  return Object.fromEntries(Object.entries(limiters).flatMap(([side, limiter]): [string, Condition][] => {
    const failure = limiter.failure();
    return failure === undefined ? [] : [[`${side}_limits`, { cause: 'limit_store_failing', party: side, since: failure.since, detail: WITHOUT_LIMITS[failure.policy] }]];
  }));
}

/** Whose limits there are: clients with those of their policies, and the policies of persons. */
function limitedCallers({ clients, policies }: GatewayConfig): LimiterOptions['clients'] {
  const book = createPolicyBook(policies);
  return [...clients.map((client) => book.forClient(client)), ...book.applied];
}

/** The limits of one side. A store that is down fails for every request: it is counted each time and logged now and then. */
function createSideLimiter({ config, logger, metrics, share, makeLimiter }: SidesOptions, side: Side): Limiter {
  let loggedAt = -STORE_LOG_INTERVAL_MS;
  return makeLimiter({
    clients: limitedCallers(config), store: config.limits.store, failurePolicy: config.limits.on_store_failure, scope: side,
    ...(share === undefined ? {} : { share }),
    onStoreFailure: ({ operation, error }) => {
      metrics.limitStoreFailed(side, operation);
      if (performance.now() - loggedAt < STORE_LOG_INTERVAL_MS) return;
      loggedAt = performance.now();
      logger.warn({ side, operation, error: describeError(error) }, 'the store of client limits failed');
    },
  });
}
