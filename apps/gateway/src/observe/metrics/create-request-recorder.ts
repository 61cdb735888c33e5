import { add, type HistogramSeries, type CounterSeries } from '@penstock/fast-metrics';
import { bySide, faultOf, type RequestRecord, type Side, type TokenCounts } from '../../request/request-record.ts';
import type { GatewayMetricSet } from './declare-gateway-metrics.ts';
import { type ClosedLabel, createLearnedLabel, methodLabel, OTHER, statusLabel } from './label-bounds.ts';

/** The `type` label of `penstock_tokens_total` and the field of `TokenCounts` it comes from. */
export const TOKEN_TYPES: Readonly<Record<'input' | 'output' | 'cache_read' | 'cache_write_5m' | 'cache_write_1h', keyof TokenCounts>> = {
  input: 'input', output: 'output', cache_read: 'cacheRead', cache_write_5m: 'cacheWrite5m', cache_write_1h: 'cacheWrite1h',
};

/** So many series of tokens are made before they are needed: with hundreds of clients the others begin with their first value. */
export const MAX_ZEROED_SERIES = 5_000;

const TOKEN_FIELDS = Object.entries(TOKEN_TYPES);

/** The children that every request of one label combination writes to, looked up once a request; their labels were checked when they were made. */
interface RequestChildren {
  readonly requests: CounterSeries;
  readonly outcomes: CounterSeries;
  readonly seconds: HistogramSeries;
  readonly firstByte: HistogramSeries;
}

/** The children of one side. */
interface SideChildren {
  readonly overhead: HistogramSeries;
  readonly streamGap: HistogramSeries;
  readonly withoutStop: CounterSeries;
  readonly requestBytes: CounterSeries;
  readonly responseBytes: CounterSeries;
}

/** The closed labels that the configuration gives. */
export interface RecorderLabels {
  readonly clients: ClosedLabel;
  readonly routes: ClosedLabel;
  /** The sides that there are. */
  readonly sides: readonly Side[];
}

/** Remembers what was created for each combination, and the last one by itself: requests of one kind come in rows. */
function cached<Value>(create: (...parts: readonly string[]) => Value): (...parts: readonly string[]) => Value {
  const values = new Map<string, Value>();
  let lastParts: readonly string[] = [];
  let last: Value | undefined;
  return (...parts) => {
    if (last !== undefined && areEqual(parts, lastParts)) return last;
    const key = parts.join('\n');
    let value = values.get(key);
    if (value === undefined) {
      value = create(...parts);
      values.set(key, value);
    }
    lastParts = parts;
    last = value;
    return value;
  };
}

function areEqual(parts: readonly string[], others: readonly string[]): boolean {
  for (let index = 0; index < parts.length; index += 1) if (parts[index] !== others[index]) return false;
  return true;
}

/** Durations come from a monotonic clock, yet a broken observer must not become an exception here. */
function seconds(milliseconds: number): number {
  return Number.isFinite(milliseconds) && milliseconds > 0 ? milliseconds / 1000 : 0;
}

function createSideChildren(metrics: GatewayMetricSet, side: Side): SideChildren {
  return {
    overhead: metrics.overhead.series({ side }),
    streamGap: metrics.streamGap.series({ side }),
    withoutStop: metrics.streamsWithoutStop.series({ side }),
    requestBytes: metrics.relayBytes.series({ side, direction: 'request' }),
    responseBytes: metrics.relayBytes.series({ side, direction: 'response' }),
  };
}

/**
 * Creates the one function that records a finished request.
 *
 * A request costs two dozen additions and no prom-client call, however many events its stream had; labels are looked up once for each
 * combination that occurs.
 */
export function createRequestRecorder(metrics: GatewayMetricSet, { clients, routes, sides: active }: RecorderLabels): (record: RequestRecord) => void {
  const modelLabel = createLearnedLabel();
  const sides: Partial<Record<Side, SideChildren>> = Object.fromEntries(active.map((side) => [side, createSideChildren(metrics, side)]));
  const childrenOf = cached((side, route, method, status, outcome, fault, client, stream): RequestChildren => ({
    requests: metrics.requests.series({ side, route, method, status, outcome, fault, client }),
    outcomes: metrics.outcomes.series({ side, outcome, fault }),
    seconds: metrics.seconds.series({ side, route, stream }),
    firstByte: metrics.firstByte.series({ side, route, stream }),
  }));
  const modelFirstByteOf = cached((side, model) => metrics.modelFirstByte.series({ side, model }));
  const usageOf = cached((side, source) => metrics.usage.series({ side, source }));
  const tokensOf = cached((side, model, client) =>
    TOKEN_FIELDS.map(([type, field]) => ({ field, tokens: metrics.tokens.series({ side, model, client, type }) })));

  const costOf = cached((side, upstream, model, client) => {
    zeroCosts(side, upstream, model);
    return metrics.cost.series({ side, upstream, model, client });
  });
  const unpricedOf = cached((side, upstream, model) => metrics.unpriced.series({ side, upstream, model }));
  const zeroedCosts = new Set<string>();

  /** A client's first cost at a known upstream and model is an increase, as with tokens. */
  function zeroCosts(side: string, upstream: string, model: string): void {
    const key = `${side} ${upstream} ${model}`;
    if (zeroedCosts.has(key)) return;
    zeroedCosts.add(key);
    unpricedOf(side, upstream, model);
    for (const client of clients.names()) {
      if (client === 'unauthenticated' || zeroed >= MAX_ZEROED_SERIES) continue;
      costOf(side, upstream, model, client);
      zeroed += 1;
    }
  }

  function recordCost(record: RequestRecord, client: string): void {
    const { side, upstream = OTHER, cost } = record;
    if (cost === undefined) return;
    const model = countedModel(record);
    // The model that was asked for is the client's to choose: only one that a response named is a label.
    const parts = cost.parts ?? [{ nanoDollars: cost.nanoDollars }];
    for (const part of parts) {
      const label = modelLabel('model' in part ? part.model ?? model : model);
      add(costOf(side, upstream, label, client), Number(part.nanoDollars));
    }
    if (cost.isPriceKnown) return;
    // An advisor or a fallback without a price has its own name here; of a batch all names are the client's.
    const labels = new Set((cost.batch === undefined ? cost.unpricedModels ?? [undefined] : [undefined]).map((unpriced) => modelLabel(unpriced ?? model)));
    for (const label of labels) unpricedOf(side, upstream, label).value += 1;
  }

  function recordUsage(record: RequestRecord, client: string): void {
    if (record.usageSource !== undefined) usageOf(record.side, record.usageSource).value += 1;
    const { usage } = record;
    if (usage === undefined) return;
    if (usage.byModel === undefined) recordTokens(record, client, countedModel(record), usage);
    else for (const { model = countedModel(record), tokens } of usage.byModel) recordTokens(record, client, model, tokens);
  }

  /** A client's first tokens of a known model are an increase, not a new series: `increase()` does not see the value that a series begins with. */
  let zeroed = 0;
  const zeroedModels: Readonly<Record<Side, Set<string>>> = bySide(() => new Set<string>());
  function zeroClients(side: Side, model: string): void {
    if (zeroedModels[side].has(model)) return;
    zeroedModels[side].add(model);
    for (const client of clients.names()) {
      if (client === 'unauthenticated' || zeroed >= MAX_ZEROED_SERIES) continue;
      tokensOf(side, model, client);
      zeroed += TOKEN_FIELDS.length;
    }
  }

  function recordTokens(record: RequestRecord, client: string, model: string | undefined, usage: TokenCounts): void {
    const label = modelLabel(model);
    zeroClients(record.side, label);
    const counted = tokensOf(record.side, label, client);
    for (let index = 0; index < counted.length; index += 1) {
      const { field, tokens } = counted[index] as (typeof counted)[number];
      add(tokens, usage[field]);
    }
  }

  function recordBody(record: RequestRecord): void {
    const side = sides[record.side] ??= createSideChildren(metrics, record.side);
    if (record.overheadMs !== undefined) side.overhead.observe(seconds(record.overheadMs));
    if (record.isEventStream && record.largestGapMs !== undefined) side.streamGap.observe(seconds(record.largestGapMs));
    if (endedWithoutStop(record)) side.withoutStop.value += 1;
    add(side.requestBytes, record.requestBytes);
    add(side.responseBytes, record.responseBytes);
  }

  return (record) => {
    const client = clients.label(record.client);
    const children = childrenOf(
      record.side, routes.label(record.route), methodLabel(record.method), statusLabel(record.status), record.outcome,
      faultOf(record.outcome, record.status), client, record.isEventStream ? 'true' : 'false',
    );
    children.requests.value += 1;
    children.outcomes.value += 1;
    children.seconds.observe(seconds(record.durationMs));
    if (record.timeToFirstByteMs !== undefined) {
      children.firstByte.observe(seconds(record.timeToFirstByteMs));
      const model = countedModel(record);
      if (model !== undefined) modelFirstByteOf(record.side, modelLabel(model)).observe(seconds(record.timeToFirstByteMs));
    }
    recordBody(record);
    recordUsage(record, client);
    recordCost(record, client);
  };
}

/** The model that a request counts for, once its response named one: the same at all upstreams, whatever they call it. */
function countedModel({ model, mappedModel }: RequestRecord): string | undefined {
  return model === undefined ? undefined : mappedModel ?? model;
}

/** Only of a stream that ended well: one that broke, or whose client left, has no stop event for a reason that its outcome names already. */
function endedWithoutStop(record: RequestRecord): boolean {
  return record.isEventStream && record.sawStop === false && record.outcome === 'ok';
}
