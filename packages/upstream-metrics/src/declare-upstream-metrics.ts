import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ClientSlotStats, ObservableUpstream, UpstreamStats } from './observable-upstream.ts';
import { createFastCounter, createFastHistogram, type FastCounter, type FastHistogram } from '@penstock/fast-metrics';

/** From 100 µs (an idle connection at hand) to the edge of a 5 s slot wait, and beyond for services that wait longer. */
export const ACQUIRE_BUCKETS: readonly number[] =
  [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 5, 10, 30];

/** From a loopback handshake (1 ms) over a distant TLS one (250 ms) to the 10 s at which connecting is given up. */
export const CONNECT_BUCKETS: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The clients whose numbers are read when the registry is scraped, by the name they were given. */
export type ObservedUpstreams = ReadonlyMap<string, ObservableUpstream>;

/** The states of an open or opening connection; the `state` label of `…upstream_pool_connections`. */
export const CONNECTION_STATES = ['active', 'idle', 'connecting'] as const;

/** Every metric of this package. */
export interface UpstreamMetricSet {
  /** The full names of all of them, gauges included. */
  readonly names: readonly string[];
  /** These two count every request: plain additions. */
  readonly acquireSeconds: FastHistogram;
  readonly acquisitions: FastCounter;
  readonly rejections: Counter;
  readonly connectSeconds: Histogram;
  readonly connectErrors: Counter;
  readonly connectionsClosed: Counter;
  readonly tlsHandshakes: Counter;
}

const CLIENT_LABELS = ['upstream', 'origin'];

/** A client that cannot tell its numbers any more has no series; the scrape of the others goes on. */
function readStats(client: ObservableUpstream): UpstreamStats | undefined {
  try {
    return client.stats();
  } catch {
    return undefined;
  }
}

interface GaugeDefinition {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
  readonly set: (gauge: Gauge, labels: Readonly<Record<string, string>>, stats: UpstreamStats, clientNames: readonly string[]) => void;
}

/** The label value of everything that is outside a closed set. */
export const OTHER = 'other';

/** What each client has of the pool: the named ones and what is left, by tag where none is named, or all requests together where no client is named. */
function sharesOf({ clients, active, connecting, waiting }: UpstreamStats, clientNames: readonly string[]): readonly ClientSlotStats[] {
  if (clients === undefined) return [{ client: '', held: active + connecting, waiting }];
  if (clientNames.length === 0) return clients.length === 0 ? [{ client: '', held: 0, waiting: 0 }] : clients;
  const shares = new Map(clientNames.map((client) => [client, { client, held: 0, waiting: 0 }]));
  for (const { client, held, waiting: waits } of clients) {
    const name = client === '' || shares.has(client) ? client : OTHER;
    const share = shares.get(name);
    shares.set(name, { client: name, held: held + (share?.held ?? 0), waiting: waits + (share?.waiting ?? 0) });
  }
  return [...shares.values()];
}

/** Gauges are read at scrape time from `stats()`, the same numbers the pool itself decides by, so they cannot drift from it. */
const GAUGES: readonly GaugeDefinition[] = [
  {
    name: 'upstream_pool_connections', labelNames: ['state'],
    help: 'Upstream connections by state: active carries a request, idle is kept for reuse, connecting is not usable yet. Each holds a slot.',
    set: (gauge, labels, stats) => {
      for (const state of CONNECTION_STATES) gauge.set({ ...labels, state }, stats[state]);
    },
  },
  {
    name: 'upstream_pool_max_connections', help: 'The number of slots: no more upstream connections exist at once.',
    set: (gauge, labels, stats) => gauge.set(labels, stats.maxConnections),
  },
  {
    name: 'upstream_pool_max_keepalive_connections', help: 'How many idle upstream connections are kept for reuse.',
    set: (gauge, labels, stats) => gauge.set(labels, stats.maxKeepAliveConnections),
  },
  {
    name: 'upstream_pool_waiting', labelNames: ['client'], help: 'Requests that wait for a slot now, by the client that they were tagged with.',
    set: (gauge, labels, stats, clientNames) => {
      for (const { client, waiting } of sharesOf(stats, clientNames)) gauge.set({ ...labels, client }, waiting);
    },
  },
  {
    name: 'upstream_pool_oldest_wait_seconds', help: 'How long the request that has waited for longest has waited for a slot, in seconds; 0 when none waits.',
    set: (gauge, labels, { oldestWaitMs }) => {
      if (oldestWaitMs !== undefined) gauge.set(labels, oldestWaitMs / 1000);
    },
  },
  {
    name: 'upstream_pool_held', labelNames: ['client'], help: 'Slots that requests hold now, connecting ones included, by the client that they were tagged with.',
    set: (gauge, labels, stats, clientNames) => {
      for (const { client, held } of sharesOf(stats, clientNames)) gauge.set({ ...labels, client }, held);
    },
  },
  {
    name: 'upstream_pool_max_waiting', help: 'How many requests may wait for a slot; one more is rejected with reason queue_full.',
    set: (gauge, labels, stats) => gauge.set(labels, stats.maxWaiting),
  },
];

function createGauge(prefix: string, { name, help, labelNames = [], set }: GaugeDefinition, upstreams: ObservedUpstreams, clientNames: MetricNaming['clientNames']): Gauge {
  return new Gauge({
    name: `${prefix}${name}`, help, registers: [], labelNames: [...CLIENT_LABELS, ...labelNames],
    collect(): void {
      // A client that was removed leaves no stale number behind.
      this.reset();
      for (const [upstream, client] of upstreams) {
        const stats = readStats(client);
        if (stats !== undefined) set(this, { upstream, origin: stats.origin }, stats, clientNames());
      }
    },
  });
}

/** What every metric is declared with. */
export interface MetricNaming {
  readonly prefix: string;
  /** Whether prom-client's private parts are left alone. */
  readonly plain: boolean;
  /** The clients whose series exist at 0 while they have nothing. */
  readonly clientNames: () => readonly string[];
}

/** Counters and histograms follow the clients' events. */
function declareEventMetrics(registry: Registry, { prefix, plain }: Omit<MetricNaming, 'clientNames'>): Omit<UpstreamMetricSet, 'names'> {
  const registers = [registry];
  return {
    acquireSeconds: createFastHistogram(registry, {
      name: `${prefix}upstream_pool_acquire_seconds`, labelNames: CLIENT_LABELS, buckets: ACQUIRE_BUCKETS, plain,
      help: 'Seconds a request waited until it had a connection of its own. Rejected requests are not in here.',
    }),
    acquisitions: createFastCounter(registry, {
      name: `${prefix}upstream_pool_acquisitions_total`, labelNames: [...CLIENT_LABELS, 'source'], plain,
      help: 'Requests that got a connection: reused from the idle ones, new, or after waiting in the queue.',
    }),
    rejections: new Counter({
      name: `${prefix}upstream_pool_rejections_total`, registers, labelNames: [...CLIENT_LABELS, 'reason'],
      help: 'Requests that got no connection: they waited too long, the queue was full, or the client was closing.',
    }),
    connectSeconds: new Histogram({
      name: `${prefix}upstream_connect_seconds`, registers, labelNames: CLIENT_LABELS, buckets: [...CONNECT_BUCKETS],
      help: 'Seconds to make an upstream connection: name resolution, TCP and TLS. Failed attempts are not in here.',
    }),
    connectErrors: new Counter({
      name: `${prefix}upstream_connect_errors_total`, registers, labelNames: [...CLIENT_LABELS, 'reason'],
      help: 'Attempts to make an upstream connection that failed.',
    }),
    connectionsClosed: new Counter({
      name: `${prefix}upstream_connections_closed_total`, registers, labelNames: [...CLIENT_LABELS, 'reason'],
      help: 'Upstream connections that were closed, by why.',
    }),
    tlsHandshakes: new Counter({
      name: `${prefix}upstream_tls_handshakes_total`, registers, labelNames: [...CLIENT_LABELS, 'session'],
      help: 'TLS handshakes with the upstream: resumed from an earlier session, or full.',
    }),
  };
}

/** Declares every metric of the package in `registry`, the gauges reading `upstreams` at each scrape. */
export function declareUpstreamMetrics(registry: Registry, naming: MetricNaming, upstreams: ObservedUpstreams): UpstreamMetricSet {
  const foreign = new Set(registry.getMetricsAsArray().map(({ name }) => name));
  for (const definition of GAUGES) registry.registerMetric(createGauge(naming.prefix, definition, upstreams, naming.clientNames));
  const events = declareEventMetrics(registry, naming);
  return { ...events, names: registry.getMetricsAsArray().map(({ name }) => name).filter((name) => !foreign.has(name)) };
}
