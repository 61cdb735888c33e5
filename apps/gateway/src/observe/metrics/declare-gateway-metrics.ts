import { performance } from 'node:perf_hooks';
import { createFastCounter, createFastHistogram, type FastCounter, type FastCounterOptions, type FastHistogram, type FastHistogramOptions } from '@penstock/fast-metrics';
import type { Gauge, Registry } from 'prom-client';
import { PLAIN } from '../../config/plain.ts';
import type { OpenRequests } from '../../request/open-requests.ts';
import type { Side } from '../../request/request-record.ts';
import { createGauge } from './gauges.ts';
import type { ClosedLabel } from './label-bounds.ts';

/** From a warm 50 ms to the 90 s that a long prompt may take: dense below 3 s, where people notice the difference. */
export const FIRST_BYTE_BUCKETS: readonly number[] =
  [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60, 90, 300];

/** Coarse, because each model of each side has them. */
export const MODEL_FIRST_BYTE_BUCKETS: readonly number[] = [0.5, 1, 2, 5, 10, 30, 90];

/** From a model list (100 ms) to a generation that runs for ten minutes, the longest that clients wait by default. */
export const REQUEST_BUCKETS: readonly number[] =
  [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 180, 300, 600, 900];

/** Doubling from the pace of tokens (5 ms) to the 120 s at which the idle clock ends a response; 15 s is Anthropic's usual ping. */
export const STREAM_GAP_BUCKETS: readonly number[] =
  [0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5, 10, 15, 30, 60, 120];

/** From 100 µs, a quiet gateway, to 1 s, where the event loop is the problem. */
export const OVERHEAD_BUCKETS: readonly number[] =
  [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

/** Plain numbers that the hot path changes and that gauges copy when they are scraped. */
export interface GatewayState {
  /** The sides that there are: only these have series. */
  readonly sides: readonly Side[];
  readonly openRequests: Readonly<Record<Side, OpenRequests>>;
  /** The configured clients, which have their gauges at 0. */
  readonly clients: ClosedLabel;
  readonly streamsOpen: Record<Side, number>;
  draining: boolean;
}

/** Reads how much is taken of the bounded memory for request bodies, which each side has for itself; a side that does not run is absent. */
export type ReadBudgets = () => Readonly<Partial<Record<Side, { readonly usedBytes: number; readonly maxBytes: number }>>>;

function declareCounter(registry: Registry, options: FastCounterOptions): FastCounter {
  return createFastCounter(registry, { ...options, plain: PLAIN });
}

function declareHistogram(registry: Registry, options: FastHistogramOptions): FastHistogram {
  return createFastHistogram(registry, { ...options, plain: PLAIN });
}

function declareRequestMetrics(registry: Registry): {
  readonly requests: FastCounter; readonly outcomes: FastCounter; readonly seconds: FastHistogram; readonly firstByte: FastHistogram;
  readonly modelFirstByte: FastHistogram; readonly overhead: FastHistogram; readonly streamGap: FastHistogram; readonly streamsWithoutStop: FastCounter; readonly relayBytes: FastCounter;
} {
  return {
    requests: declareCounter(registry, {
      name: 'penstock_requests_total', labelNames: ['side', 'route', 'method', 'status', 'outcome', 'fault', 'client'],
      help: 'Requests whose response has ended, by how they ended and whose fault it was. status is what the client saw; 499 when it left before one was sent.',
    }),
    outcomes: declareCounter(registry, {
      name: 'penstock_request_outcomes_total', labelNames: ['side', 'outcome', 'fault'],
      help: 'The same requests by outcome and fault alone. Every outcome exists from the start at 0, so the first failure of a kind is visible to rate().',
    }),
    seconds: declareHistogram(registry, {
      name: 'penstock_request_seconds', labelNames: ['side', 'route', 'stream'], buckets: REQUEST_BUCKETS,
      help: 'Seconds from the parsed request head to the end of the response body. stream is whether the response was an event stream.',
    }),
    firstByte: declareHistogram(registry, {
      name: 'penstock_time_to_first_byte_seconds', labelNames: ['side', 'route', 'stream'], buckets: FIRST_BYTE_BUCKETS,
      help: 'Seconds from the parsed request head to the first byte of the upstream response head. Only requests that got one.',
    }),
    modelFirstByte: declareHistogram(registry, {
      name: 'penstock_model_time_to_first_byte_seconds', labelNames: ['side', 'model'], buckets: MODEL_FIRST_BYTE_BUCKETS,
      help: 'The same by the model that the response named: 20 names at most, then other.',
    }),
    overhead: declareHistogram(registry, {
      name: 'penstock_overhead_seconds', labelNames: ['side'], buckets: OVERHEAD_BUCKETS,
      help: 'Seconds of the time to first byte that the gateway itself took: neither receiving the body nor waiting for a slot, a connection or the upstream.',
    }),
    streamGap: declareHistogram(registry, {
      name: 'penstock_stream_gap_seconds', labelNames: ['side'], buckets: STREAM_GAP_BUCKETS,
      help: 'The largest silence between two chunks of an event stream, in seconds, one observation a stream.',
    }),
    streamsWithoutStop: declareCounter(registry, {
      name: 'penstock_streams_without_stop_total', labelNames: ['side'],
      help: 'Event streams whose framing ended well but that had no stop event.',
    }),
    relayBytes: declareCounter(registry, {
      name: 'penstock_relay_bytes_total', labelNames: ['side', 'direction'],
      help: 'Body bytes relayed: direction request is client to upstream, response is upstream to client.',
    }),
  };
}

/** Costs are counted in integers and divided when they are scraped. */
const NANO_DOLLARS_PER_DOLLAR = 1_000_000_000;

function declareUsageMetrics(registry: Registry): {
  readonly cost: FastCounter; readonly unpriced: FastCounter; readonly tokens: FastCounter; readonly usage: FastCounter; readonly headersDropped: FastCounter; readonly limitRejections: FastCounter;
  readonly credentialRefusals: FastCounter; readonly limitStoreFailures: FastCounter;
} {
  return {
    cost: declareCounter(registry, {
      name: 'penstock_cost_dollars_total', labelNames: ['side', 'upstream', 'model', 'client'], divisor: NANO_DOLLARS_PER_DOLLAR,
      help: 'What requests cost, in US dollars, by the prices of the configuration and the built-in table; estimates where a response reported no usage. model as in penstock_tokens_total.',
    }),
    unpriced: declareCounter(registry, {
      name: 'penstock_unpriced_requests_total', labelNames: ['side', 'upstream', 'model'],
      help: 'Requests whose model has no price, charged $5 and $25 per million tokens: a row in prices is missing.',
    }),
    tokens: declareCounter(registry, {
      name: 'penstock_tokens_total', labelNames: ['side', 'model', 'client', 'type'],
      help: 'Tokens that the upstream reported, by how they are billed. model is what the response named: 20 names at most, then other.',
    }),
    usage: declareCounter(registry, {
      name: 'penstock_usage_total', labelNames: ['side', 'source'],
      help: 'Requests on routes that report usage, by where the token counts came from: the final usage, only its first part, or nowhere.',
    }),
    headersDropped: declareCounter(registry, {
      name: 'penstock_headers_dropped_total', labelNames: ['direction', 'reason'],
      help: 'Header fields that did not cross, by direction and by the rule that held them back. A replaced credential counts as credential.',
    }),
    limitRejections: declareCounter(registry, {
      name: 'penstock_limit_rejections_total', labelNames: ['client', 'limit'],
      help: 'Requests refused by a limit of the client they came from.',
    }),
    credentialRefusals: declareCounter(registry, {
      name: 'penstock_credential_refusals_total', labelNames: ['side', 'reason'],
      help: 'Requests whose key or token was refused, by why; the log has the address and, of a good token without a policy, the person.',
    }),
    limitStoreFailures: declareCounter(registry, {
      name: 'penstock_limit_store_failures_total', labelNames: ['side', 'operation'],
      help: 'Steps that the store of client limits failed at, decisions made without it included. What then happens is limits.on_store_failure.',
    }),
  };
}

/** How many requests each client has open, 0 for every configured one that has none. */
function countByClient(open: OpenRequests, clients: ClosedLabel): ReadonlyMap<string, number> {
  const counts = new Map(Array.from(clients.names(), (name) => [name, 0]));
  for (const { client } of open) {
    const label = clients.label(client);
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return counts;
}

function declareStateMetrics(registry: Registry, state: GatewayState): {
  readonly inFlight: Gauge; readonly oldest: Gauge; readonly streamsOpen: Gauge; readonly draining: Gauge;
  readonly connectionsRefused: FastCounter; readonly connectionsEvicted: FastCounter; readonly observerErrors: FastCounter;
} {
  const inFlight = createGauge({
    name: 'penstock_requests_in_flight', registers: [registry], labelNames: ['side', 'client'],
    help: 'Requests that have been admitted and whose response has not ended, by client; a stream counts until its body ends.',
    collect(): void {
      // A client that was removed leaves no stale number behind.
      this.reset();
      for (const side of state.sides) {
        for (const [client, count] of countByClient(state.openRequests[side], state.clients)) this.set({ side, client }, count);
      }
    },
  });
  const oldest = createGauge({
    name: 'penstock_oldest_request_seconds', registers: [registry], labelNames: ['side'],
    help: 'Age of the request that has been open for longest, in seconds; 0 when none is open.',
    collect(): void {
      const now = performance.now();
      for (const side of state.sides) this.set({ side }, (now - (state.openRequests[side].oldest?.startedAt ?? now)) / 1000);
    },
  });
  const streamsOpen = createGauge({
    name: 'penstock_streams_open', registers: [registry], labelNames: ['side'],
    help: 'Event streams whose head was sent to the client and whose body has not ended.',
    collect(): void {
      for (const side of state.sides) this.set({ side }, state.streamsOpen[side]);
    },
  });
  const draining = createGauge({
    name: 'penstock_draining', registers: [registry], help: '1 while the process is shutting down, else 0.',
    collect(): void {
      this.set(state.draining ? 1 : 0);
    },
  });
  const connectionsRefused = declareCounter(registry, {
    name: 'penstock_inbound_connections_refused_total',
    help: 'Connections of clients that were closed at once because server.max_connections were open, each with a request.',
  });
  const connectionsEvicted = declareCounter(registry, {
    name: 'penstock_inbound_connections_evicted_total',
    help: 'Idle connections of clients that were closed for new ones because server.max_connections were open.',
  });
  const observerErrors = declareCounter(registry, {
    name: 'penstock_observer_errors_total',
    help: 'Exceptions thrown by something that only watches (metering, logging, tracing); the bytes went on.',
  });
  return { inFlight, oldest, streamsOpen, draining, connectionsRefused, connectionsEvicted, observerErrors };
}

function declareBudgetMetrics(registry: Registry, readBudgets: ReadBudgets): { readonly bufferedBytes: Gauge; readonly bufferedBytesLimit: Gauge } {
  return {
    bufferedBytes: createGauge({
      name: 'penstock_buffered_bytes', registers: [registry], labelNames: ['side'], help: 'Request bytes that are gathered in memory now, all requests of a side together.',
      collect(): void {
        for (const [side, { usedBytes }] of Object.entries(readBudgets())) this.set({ side }, usedBytes);
      },
    }),
    bufferedBytesLimit: createGauge({
      name: 'penstock_buffered_bytes_limit', registers: [registry], labelNames: ['side'],
      help: 'The bound on gathered request bytes of a side; above it requests are refused as overloaded.',
      collect(): void {
        for (const [side, { maxBytes }] of Object.entries(readBudgets())) this.set({ side }, maxBytes);
      },
    }),
  };
}

/** Every metric of the gateway itself; the pools' series are those of `@penstock/upstream-metrics`. */
export type GatewayMetricSet = ReturnType<typeof declareRequestMetrics> & ReturnType<typeof declareUsageMetrics>
  & ReturnType<typeof declareStateMetrics> & { readonly buildInfo: Gauge };

/** Declares every metric of the gateway in `registry`; recording into them is the business of `createGatewayMetrics`. */
export function declareGatewayMetrics(registry: Registry, state: GatewayState, readBudgets?: ReadBudgets): GatewayMetricSet {
  return {
    ...(readBudgets === undefined ? {} : declareBudgetMetrics(registry, readBudgets)),
    ...declareRequestMetrics(registry),
    ...declareUsageMetrics(registry),
    ...declareStateMetrics(registry, state),
    buildInfo: createGauge({
      name: 'penstock_build_info', registers: [registry], labelNames: ['version', 'node_version'],
      help: 'Always 1; the labels say what is running.',
    }),
  };
}

