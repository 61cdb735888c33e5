import { Buffer } from 'node:buffer';
import type { UsageObserverOptions } from '@penstock/anthropic-usage';
import { respond } from '@penstock/inbound-server';
import { OpenExchanges } from '@penstock/proxy';
import type { UpstreamClient } from '@penstock/upstream-client';
import type { GroupNote } from '@penstock/upstream-group';
import { isAdminPath } from '../access/admin/admin-exchange.ts';
import type { ClientRegistry } from '../access/clients/client-registry.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import type { InboundRequest } from '../request/inbound-request.ts';
import { createByteBudget } from '../body/byte-budget.ts';
import { answerAdministration, NATIVE_PREFIX } from './answer-administration.ts';
import { answerUsage, NOT_SERVED, USAGE_PATH } from './answer-usage.ts';
import { describeHealth } from './describe-health.ts';
import { healthOf, type HealthPart } from '../pipe/health-part.ts';
import { GatewayError } from '../request/gateway-error.ts';
import { handleNativeRequest } from './handle-native-request.ts';
import { NativeExchange } from './native-exchange.ts';
import { PipeHooks } from '../pipe/pipe-hooks.ts';
import { LARGEST_JSON_BODY_BYTES } from './route-table.ts';
import { createFailoverMetrics, type FailoverMetrics } from '../observe/metrics/create-failover-metrics.ts';
import { NativeUpstreams } from './upstreams/native-upstreams.ts';
import { describeUpstream, type Successes, type UpstreamSnapshot } from '../observe/upstreams/upstream-snapshot.ts';
import { readNativeSettings, type NativeParts, type NativeRuntime, type NativeSettings } from './native-runtime.ts';
import { respondToFailure } from '../pipe/respond-to-failure.ts';
import { settle } from '../pipe/settle.ts';
import { upstreamGroup } from '../pipe/upstream-group.ts';

/** The native half of the gateway, mounted under `/anthropic`. */
export interface NativeSide {
  /** The upstream clients at this moment, by name. */
  pools(): readonly { readonly name: string; readonly client: UpstreamClient }[];
  handle(inbound: InboundRequest): Promise<void>;
  /** Request bytes held now. */
  bufferedBytes(): number;
  /** What its health shows of this process. */
  health(): HealthPart;
  /** Takes the health of the other workers, which is shown together with its own. */
  setOtherHealth(others: readonly HealthPart[]): void;
  /** Takes the latest successes of its upstreams in other workers. */
  noteSuccesses(successes: Successes): void;
  /** Takes what other workers noted of health and moved sessions. */
  takeNotes(notes: readonly GroupNote[]): void;
  /** What a new worker has to take of them. */
  notes(): readonly GroupNote[];
  /** Its upstreams at this moment. */
  upstreams(): readonly UpstreamSnapshot[];
  /** Makes what a configuration needs; what it gives back applies that to requests that come from now on, and does not throw. */
  prepare(config: GatewayConfig): (clients: ClientRegistry) => void;
  /** Breaks open responses visibly; the drain deadline. */
  interrupt(reason: string): void;
  close(graceMs: number): Promise<void>;
}

/** The parts that the app gives the native side. */
export interface NativeSideOptions extends Pick<NativeParts, 'metrics' | 'log' | 'observer' | 'limiter' | 'budgets' | 'administer' | 'lifecycle' | 'viaPseudonym' | 'tracing' | 'measuresOutput' | 'isDegraded'> {
  readonly config: GatewayConfig;
  readonly clients: ClientRegistry;
  /** Gets what other workers have to know of health and moved sessions. @defaultValue there are none */
  readonly shareNote?: ((note: GroupNote) => void) | undefined;
}

/** Makes the native side; nothing is connected before the first request. */
export function createNativeSide(options: NativeSideOptions): NativeSide {
  const { config, clients, shareNote, ...parts } = options;
  let failovers: FailoverMetrics | undefined;
  const upstreams = new NativeUpstreams({
    config, ownsCredential: () => runtime.ownsCredential, credentialChanged: (upstream, status) => { parts.log.upstreamCredential(upstream, status); },
    events: { failedOver: (failover) => { failovers?.failedOver(failover); }, moved: (move) => { failovers?.moved(move); }, ...(shareNote === undefined ? {} : { noted: shareNote }) },
  });
  const showFailovers = (): void => {
    if (upstreams.group === undefined) return;
    failovers ??= createFailoverMetrics(parts.metrics.registry, upstreamGroup().FAILOVER_REASONS);
    failovers.setUpstreams(upstreams.list.map(({ name }) => name));
  };
  showFailovers();
  const usageObserver: UsageObserverOptions = { onError: (error) => parts.metrics.observerError('usage', error) };
  let otherHealth: readonly HealthPart[] = [];
  const fixed: NativeParts = {
    ...parts, upstreams, budget: createByteBudget(config.anthropic_native.max_buffered_bytes, LARGEST_JSON_BODY_BYTES),
    open: new OpenExchanges(), otherHealth: () => otherHealth, usageObserver, measuringObserver: { ...usageObserver, measuresText: true },
  };
  const runWith = (settings: NativeSettings): NativeRuntime => {
    const base = { ...fixed, ...settings };
    const { group, first } = upstreams;
    return { ...base, group, first, exchanges: { upstream: group?.dispatcher ?? first.client, policy: base.policy, relay: base.relay, open: base.open, hooks: new PipeHooks(base) } };
  };
  let runtime: NativeRuntime = runWith(readNativeSettings(config, clients, parts.viaPseudonym));

  return {
    pools: () => upstreams.list,
    handle: (inbound) => answerOwnPath(runtime, inbound) ?? administration(runtime, inbound) ?? (isClientTraffic(inbound.path) ? answerClientTraffic(runtime, inbound) : handleNativeRequest(runtime, inbound)),
    bufferedBytes: () => fixed.budget.taken(),
    health: () => healthOf(upstreams.list),
    setOtherHealth(others) {
      otherHealth = others;
    },
    noteSuccesses: (successes) => { for (const { name, state } of upstreams.list) state.succeededElsewhere(successes[name] ?? 0); },
    takeNotes: (notes) => { upstreams.take(notes); },
    notes: () => upstreams.notes(),
    upstreams() {
      const members = upstreams.members();
      return upstreams.list.map(({ name, client, state }) => describeUpstream(name, client.stats(), state.times(), members.find((member) => member.name === name)));
    },
    prepare(next) {
      const settings = readNativeSettings(next, clients, parts.viaPseudonym);
      const applyUpstreams = upstreams.prepare(next);
      return (nextClients) => {
        applyUpstreams();
        showFailovers();
        fixed.budget.resize(next.anthropic_native.max_buffered_bytes);
        runtime = runWith({ ...settings, clients: nextClients });
      };
    },
    interrupt(reason) {
      fixed.open.interrupt(reason);
    },
    close: (graceMs) => upstreams.close(graceMs),
  };
}

/**
 * Whether a path is one of those under which Claude Code reports events and asks for its own settings, without being asked to and some of them
 * without a key. None is part of the API.
 */
function isClientTraffic(path: string): boolean {
  return path.startsWith('/anthropic/api/');
}

/** The administration, where it is served at this listener; it comes before the API's own paths of the same names. `undefined` for all others. */
function administration(runtime: NativeRuntime, inbound: InboundRequest): Promise<void> | undefined {
  const { administer, servesAdministration } = runtime;
  if (administer === undefined || !servesAdministration || !isAdminPath(inbound.path.slice(NATIVE_PREFIX.length))) return undefined;
  return answerAdministration(runtime, administer, inbound);
}

/** One of these paths is the gateway's own where it counts what callers spend. */
function answerClientTraffic(runtime: NativeRuntime, inbound: InboundRequest): Promise<void> {
  return runtime.budgets !== undefined && inbound.path === USAGE_PATH ? answerUsage(runtime, runtime.budgets, inbound) : refuseClientTraffic(runtime, inbound);
}

/** The 404 for such a request: counted, and logged only where everything is. A line for each batch of events would hide the others. */
async function refuseClientTraffic(runtime: NativeRuntime, inbound: InboundRequest): Promise<void> {
  const exchange = new NativeExchange(inbound);
  exchange.isRoutine = true;
  runtime.metrics.requestStarted('native', inbound);
  await respondToFailure(runtime, exchange, new GatewayError('not_found', NOT_SERVED));
  settle(runtime, exchange);
}

/** Answers the paths of the gateway's own under `/anthropic`; `undefined` for all others. They need no key and are not recorded. */
function answerOwnPath(runtime: NativeRuntime, inbound: InboundRequest): Promise<void> | undefined {
  const { path, method, id } = inbound;
  const isHello = path === '/anthropic/api/hello';
  if (!isHello && path !== '/anthropic/health') return undefined;
  const allowed = isHello ? ['HEAD'] : ['GET', 'HEAD'];
  if (!allowed.includes(method)) {
    const error = new GatewayError('method_not_allowed', `Method ${method} is not allowed for this path.`, { allow: allowed });
    return respondToFailure(runtime, new NativeExchange(inbound), error);
  }
  const headers = ['x-penstock-request-id', id, ...inbound.responseFields];
  if (runtime.lifecycle.isLeaving) headers.push('connection', 'close');
  const body = isHello ? Buffer.alloc(0) : Buffer.from(JSON.stringify(describeHealth(runtime, inbound)));
  const content = isHello ? [] : ['content-type', 'application/json', 'cache-control', 'no-store'];
  return respond(inbound.request, inbound.response, { status: 200, headers: [...headers, ...content], body }).then(() => undefined);
}
