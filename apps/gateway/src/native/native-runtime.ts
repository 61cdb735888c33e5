import type { BlockList } from 'node:net';
import { anthropicHeaderRules, createHeaderPolicy, extendHeaderRules, type HeaderPolicy, type RequestHeaderAdditions } from '@penstock/header-policy';
import type { ExchangeRelayOptions, ExchangeSettings, OpenExchanges } from '@penstock/proxy';
import type { UsageObserverOptions } from '@penstock/anthropic-usage';
import type { Administer } from '../access/admin/admin-exchange.ts';
import type { Budgets } from '../access/budgets/budgets.ts';
import { createTrustedProxies } from '../access/clients/client-address.ts';
import type { ClientRegistry } from '../access/clients/client-registry.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { explainsCredential, nativeUpstreams } from '../config/native-upstreams.ts';
import { PLAIN } from '../config/plain.ts';
import { toHeadTimeouts, type HeadTimeouts } from '../config/upstream-client-settings.ts';
import type { StickyKey } from '../config/sections/native-upstreams-section.ts';
import type { Lifecycle } from '../process/lifecycle.ts';
import type { Limiter } from '../access/limits/limiter.ts';
import type { GatewayMetrics } from '../observe/metrics/create-gateway-metrics.ts';
import type { RequestLog } from '../observe/log/request-log.ts';
import type { RequestObserver } from '../observe/request-observer.ts';
import type { Tracing } from '../observe/trace/tracing.ts';
import type { ByteBudget } from '../body/byte-budget.ts';
import { failureEvent } from '../pipe/failure-event.ts';
import type { HealthPart } from '../pipe/health-part.ts';
import type { PipeSettings } from '../pipe/pipe-runtime.ts';
import type { RoutePolicy } from './match-route.ts';
import type { NativeExchange } from './native-exchange.ts';
import type { NativeUpstream } from './upstreams/native-upstream.ts';
import type { NativeGroup, NativeUpstreams } from './upstreams/native-upstreams.ts';

/** The gateway's own fields for one upstream. */
export interface UpstreamAdditions extends RequestHeaderAdditions {
  /** What follows the fields that the policy makes with `commonAdditions`, where it makes the same with these but for their end; else absent. */
  readonly appended?: readonly string[] | undefined;
}

/** What the configuration decides about each native request; replaced as a whole on reload, so that one request sees one of them. */
export interface NativeSettings extends PipeSettings {
  readonly policy: HeaderPolicy;
  /** The gateway's own fields for one upstream, its credential included; `readable` asks for an answer without compression. Throws a `CredentialError`. */
  readonly additionsFor: (upstream: NativeUpstream, readable: boolean) => UpstreamAdditions;
  /** The same without a credential, to check the client's fields before an upstream is chosen. */
  readonly commonAdditions: RequestHeaderAdditions;
  /** What keeps requests at one of several upstreams. */
  readonly stickyBy: readonly StickyKey[];
  readonly routes: RoutePolicy;
  /** Whether an upstream takes signed requests, so that queries must hold no parts of a signature. */
  readonly signsRequests: boolean;
  readonly clients: ClientRegistry;
  /** Whether the administration is served here, too. */
  readonly servesAdministration: boolean;
  /** Whether persons sign in at this gateway. */
  readonly servesSignIn: boolean;
  /** Whose `X-Forwarded-*` fields are believed. */
  readonly trustedProxies: BlockList;
  /** Over all tries of a request, where there are several upstreams; each try has those of its upstream. */
  readonly headTimeouts: HeadTimeouts;
  /** The client stall timeout, and comments in the silence of a stream if they are configured. */
  readonly relay: ExchangeRelayOptions;
  readonly rewritesResultsUrl: boolean;
  /** Origins whose `results_url` the rewrite replaces. */
  readonly resultsOrigins: readonly string[];
}

/** What lives as long as the native side. */
export interface NativeParts {
  readonly upstreams: NativeUpstreams;
  readonly metrics: GatewayMetrics;
  readonly log: RequestLog;
  readonly observer: RequestObserver;
  readonly limiter: Limiter;
  /** Absent where nothing is stored, so that nothing is counted. */
  readonly budgets: Budgets | undefined;
  /** Absent where there is no store. */
  readonly administer: Administer | undefined;
  readonly budget: ByteBudget;
  readonly lifecycle: Lifecycle;
  /** Exchanges under way; the drain deadline interrupts them. */
  readonly open: OpenExchanges;
  readonly viaPseudonym: string;
  /** Of the other workers, as the primary sent it last. */
  readonly otherHealth: () => readonly HealthPart[];
  /** Absent where tracing is off. */
  readonly tracing: Tracing | undefined;
  /** One for all requests: counts what an observer could not decode, or dropped because it lagged. */
  readonly usageObserver: UsageObserverOptions;
  /** The same for clients with token limits. */
  readonly measuringObserver: UsageObserverOptions;
  /** Whether what models write is counted for every caller: costs are added up, and a response that is cut costs what was delivered. */
  readonly measuresOutput: boolean;
  /** Whether another part of the gateway is missing. */
  readonly isDegraded: () => boolean;
}

/** Everything a native request meets. */
export interface NativeRuntime extends NativeParts, NativeSettings {
  readonly exchanges: ExchangeSettings<NativeExchange>;
  /** The upstreams behind one dispatcher; absent where there is one only. */
  readonly group: NativeGroup | undefined;
  /** The only upstream, or the one listed first. */
  readonly first: NativeUpstream;
}

/** Reads the settings of the native side out of a configuration. */
export function readNativeSettings(config: GatewayConfig, clients: ClientRegistry, viaPseudonym: string): NativeSettings {
  const native = config.anthropic_native;
  const { timeouts } = native;
  const rules = extendHeaderRules(anthropicHeaderRules, { allowRequest: native.allow_request_headers, denyResponse: native.deny_response_headers });
  const isInjecting = native.credentials === 'inject';
  const via = ['via', `1.1 ${viaPseudonym}`];
  const defaults = Object.freeze(['anthropic-version', native.version]);
  // Frozen: the policy checks what never changes only once.
  const freeze: FreezeAdditions = (set, appended) => Object.freeze({ set: Object.freeze(set), defaults, forwardCredentials: !isInjecting, appended });
  return {
    policy: createHeaderPolicy(rules),
    additionsFor: createAdditions(via, isInjecting, freeze),
    commonAdditions: freeze(via),
    stickyBy: native.routing.sticky_by,
    routes: { groups: new Set(native.route_groups), forwardsUnknown: native.allow_unknown_routes || !isInjecting },
    signsRequests: nativeUpstreams(config).some(({ credential }) => credential.aws !== undefined),
    clients,
    servesAdministration: config.admin.main_listener,
    servesSignIn: config.identity.sign_in !== undefined,
    trustedProxies: createTrustedProxies(config.server.trusted_proxies),
    headTimeouts: toHeadTimeouts(timeouts),
    relay: {
      plain: PLAIN, clientStallMs: timeouts.client_stall * 1000,
      ...(native.keep_alive_comments > 0 ? { keepAlive: { intervalMs: native.keep_alive_comments * 1000 } } : {}),
    },
    breaksWithEvent: native.broken_streams === 'event',
    failureEvent: (failure, requestId) => failureEvent('native', failure, requestId),
    explainsCredential: explainsCredential(config),
    ownsCredential: isInjecting,
    rewritesResultsUrl: native.rewrite_batch_results_url,
    resultsOrigins: ['https://api.anthropic.com', ...nativeUpstreams(config).map(({ base_url: base }) => new URL(base).origin)],
  };
}

interface MadeAdditions {
  readonly credential: readonly string[];
  readonly plain: UpstreamAdditions;
  readonly readable: UpstreamAdditions;
}

type FreezeAdditions = (set: readonly string[], appended?: readonly string[]) => UpstreamAdditions;

/** The policy drops these from clients whatever is set, so that to set them changes nothing before them. */
const CREDENTIAL_FIELDS: ReadonlySet<string> = new Set(['x-api-key', 'authorization']);

/** Makes the additions of each upstream once for each credential that it has. */
function createAdditions(via: readonly string[], isInjecting: boolean, freeze: FreezeAdditions): NativeSettings['additionsFor'] {
  const made = new WeakMap<NativeUpstream, MadeAdditions>();
  return (upstream, readable) => {
    const credential = upstream.credentialFields();
    let known = made.get(upstream);
    if (known?.credential !== credential) {
      const own = isInjecting ? credential : [];
      const set = [...via, ...own];
      known = { credential, plain: freeze(set, own.every(isCredentialField) ? own : undefined), readable: freeze([...set, 'accept-encoding', 'identity']) };
      made.set(upstream, known);
    }
    return readable ? known.readable : known.plain;
  };
}

/** Whether a text of a flat list of fields is the name of a credential, or a value. */
function isCredentialField(text: string, index: number): boolean {
  return index % 2 === 1 || CREDENTIAL_FIELDS.has(text);
}
