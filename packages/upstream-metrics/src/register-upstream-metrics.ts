import { describeUnknownOption, describeWrongOption, type OptionType } from '@penstock/option-names';
import type { Counter, Registry } from 'prom-client';
import { declareUpstreamMetrics, OTHER, type UpstreamMetricSet } from './declare-upstream-metrics.ts';
import {
  ACQUISITION_SOURCES, CONNECT_FAILURE_REASONS, DISCONNECT_REASONS, type ObservableUpstream, REJECTION_REASONS, type UpstreamEvents,
} from './observable-upstream.ts';
import type { FastCounter } from '@penstock/fast-metrics';
import { UpstreamMetricsError } from './upstream-metrics-error.ts';

/** The options of `registerUpstreamMetrics`. */
export interface UpstreamMetricsOptions {
  /** The prom-client registry that the metrics are added to. */
  readonly registry: Registry;
  /** The clients to observe; their keys become the `upstream` label. @defaultValue none, see `add` */
  readonly clients?: Readonly<Record<string, ObservableUpstream>>;
  /** What every metric name starts with. @defaultValue `penstock_`, as the dashboards expect */
  readonly prefix?: string;
  /**
   * The names that requests are tagged with (`client` of the dispatch options), read at each scrape: their series exist at 0 while they have
   * nothing of a pool, and any other tag is `other`. Without names each tag has a series while it has something: keep the tags few. @defaultValue none
   */
  readonly clientNames?: () => readonly string[];
  /** Use prom-client's public interface alone, without its `getForPromString`. @defaultValue false */
  readonly plain?: boolean;
}

/** What `registerUpstreamMetrics` returns. */
export interface UpstreamMetrics {
  /** Observes one more client. Throws `duplicate_upstream` when the name is in use. */
  add(name: string, client: ObservableUpstream): void;
  /** Stops observing a client: its gauges end, its counters stay as they are, and a client added later under the name goes on from there. */
  remove(name: string): boolean;
  /** Stops observing every client and removes the metrics from the registry. */
  dispose(): void;
}

const OPTION_TYPES: Readonly<Record<keyof UpstreamMetricsOptions, OptionType>> = Object.freeze({ registry: 'object', clients: 'object?', prefix: 'string?', clientNames: 'function?', plain: 'boolean?' });
const METRIC_PREFIX = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

type Listeners = { readonly [Name in keyof UpstreamEvents]: (event: UpstreamEvents[Name]) => void };

type ClientLabels = Readonly<Record<'upstream' | 'origin', string>>;

/** A number that is no duration must not become an exception inside the pool that reported it. */
function seconds(milliseconds: number): number {
  return Number.isFinite(milliseconds) && milliseconds > 0 ? milliseconds / 1000 : 0;
}

/** Makes the children of a closed label set, at 0 from the start so that `rate()` sees the first event of a kind. */
function closedChildren(counter: Counter, labels: ClientLabels, label: string, values: readonly string[]): (value: string) => void {
  const children = new Map(values.map((value) => {
    counter.inc({ ...labels, [label]: value }, 0);
    return [value, counter.labels({ ...labels, [label]: value })];
  }));
  return (value) => {
    const child = children.get(value);
    if (child === undefined) counter.inc({ ...labels, [label]: OTHER });
    else child.inc(1);
  };
}

/** Likewise, for what every request does. */
function closedSeries(counter: FastCounter, labels: ClientLabels, label: string, values: readonly string[]): (value: string) => void {
  const seriesByValue = new Map(values.map((value) => [value, counter.series({ ...labels, [label]: value })]));
  return (value) => {
    const series = seriesByValue.get(value) ?? counter.series({ ...labels, [label]: OTHER });
    series.value += 1;
  };
}

/** Makes what a client's events do, its children looked up once. */
function createListeners(metrics: UpstreamMetricSet, labels: ClientLabels, known: boolean): Listeners {
  const acquireSeconds = metrics.acquireSeconds.series(labels);
  const connectSeconds = metrics.connectSeconds.labels(labels);
  const countAcquisition = closedSeries(metrics.acquisitions, labels, 'source', ACQUISITION_SOURCES);
  const countRejection = closedChildren(metrics.rejections, labels, 'reason', REJECTION_REASONS);
  const countConnectError = closedChildren(metrics.connectErrors, labels, 'reason', CONNECT_FAILURE_REASONS);
  const countClosed = closedChildren(metrics.connectionsClosed, labels, 'reason', DISCONNECT_REASONS);
  const countHandshake = closedChildren(metrics.tlsHandshakes, labels, 'session', ['resumed', 'full']);
  if (!known) metrics.connectSeconds.zero(labels);
  return {
    acquired({ waitMs, source }) {
      acquireSeconds.observe(seconds(waitMs));
      countAcquisition(source);
    },
    connected({ durationMs, tlsSessionReused }) {
      connectSeconds.observe(seconds(durationMs));
      if (tlsSessionReused !== undefined) countHandshake(tlsSessionReused ? 'resumed' : 'full');
    },
    connect_failed: ({ reason }) => countConnectError(reason),
    disconnected: ({ reason }) => countClosed(reason),
    rejected: ({ reason }) => countRejection(reason),
  };
}

function forEachListener(listeners: Listeners, visit: <Name extends keyof UpstreamEvents>(name: Name, listener: Listeners[Name]) => void): void {
  visit('acquired', listeners.acquired);
  visit('connected', listeners.connected);
  visit('connect_failed', listeners.connect_failed);
  visit('disconnected', listeners.disconnected);
  visit('rejected', listeners.rejected);
}

/**
 * Registers Prometheus metrics for upstream clients: who has a connection, who waits for one and how long, and why connections fail and close.
 *
 * Gauges are read when the registry is scraped; counters and histograms follow the clients' events. Throws `UpstreamMetricsError`.
 */
export function registerUpstreamMetrics(options: UpstreamMetricsOptions): UpstreamMetrics {
  const unknown = describeUnknownOption(options, OPTION_TYPES);
  if (unknown !== undefined) throw new UpstreamMetricsError('unknown_option', unknown);
  const wrong = describeWrongOption(options, OPTION_TYPES);
  if (wrong !== undefined) throw new UpstreamMetricsError('invalid_option', wrong);
  const { registry, clients = {}, prefix = 'penstock_', clientNames = () => [], plain = false } = options;
  if (!METRIC_PREFIX.test(prefix)) {
    throw new UpstreamMetricsError('invalid_option', `prefix must start a metric name (letters, digits, _ and :), received ${JSON.stringify(prefix)}`);
  }
  const upstreams = new Map<string, ObservableUpstream>();
  const stops = new Map<string, () => void>();
  // The histograms that exist already; zeroing one again would lose what it holds.
  const knownLabels = new Set<string>();
  if (registry.getSingleMetric(`${prefix}upstream_pool_connections`) !== undefined) {
    throw new UpstreamMetricsError('already_registered', `the registry has these metrics already (prefix ${prefix}): add further clients with add(), or give another prefix`);
  }
  const metrics = declareUpstreamMetrics(registry, { prefix, plain, clientNames }, upstreams);

  function add(name: string, client: ObservableUpstream): void {
    if (name === '') throw new UpstreamMetricsError('invalid_option', 'the name of an upstream must not be empty, received ""');
    const problem = describeWrongOption({ [name]: client }, { [name]: 'object' }) ?? describeWrongOption(client, { stats: 'function', on: 'function', off: 'function' });
    if (problem !== undefined) throw new UpstreamMetricsError('invalid_option', `${JSON.stringify(name)} is no client of an upstream: ${problem}`);
    if (upstreams.has(name)) throw new UpstreamMetricsError('duplicate_upstream', `an upstream named ${JSON.stringify(name)} is already observed`);
    const labels = { upstream: name, origin: client.stats().origin };
    const key = JSON.stringify(labels);
    const listeners = createListeners(metrics, labels, knownLabels.has(key));
    knownLabels.add(key);
    forEachListener(listeners, (event, listener) => client.on(event, listener));
    upstreams.set(name, client);
    stops.set(name, () => forEachListener(listeners, (event, listener) => client.off(event, listener)));
  }

  function remove(name: string): boolean {
    stops.get(name)?.();
    stops.delete(name);
    return upstreams.delete(name);
  }

  for (const [name, client] of Object.entries(clients)) add(name, client);

  return {
    add,
    remove,
    dispose() {
      for (const name of upstreams.keys()) remove(name);
      for (const name of metrics.names) registry.removeSingleMetric(name);
    },
  };
}
