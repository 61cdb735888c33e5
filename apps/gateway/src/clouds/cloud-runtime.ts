import type { UsageObserverOptions } from '@penstock/anthropic-usage';
import type { CloudCredential } from '@penstock/cloud-credentials';
import { createHeaderPolicy, type HeaderPolicy, type RequestHeaderAdditions } from '@penstock/header-policy';
import type { ExchangeSettings, OpenExchanges } from '@penstock/proxy';
import type { RequestTimeouts, UpstreamClient } from '@penstock/upstream-client';
import type { ByteBudget } from '../body/byte-budget.ts';
import type { ConfiguredCloud } from '../config/configured-clouds.ts';
import type { UpstreamState } from '../observe/upstreams/upstream-state.ts';
import type { PipeRuntime, PipeSettings } from '../pipe/pipe-runtime.ts';
import { PipedExchange } from '../pipe/piped-exchange.ts';
import type { CloudFormat, CloudRoute } from './cloud-format.ts';

/** What the phases of one request in a cloud's own format hand to each other. */
export class CloudExchange extends PipedExchange {
  declare route: CloudRoute | undefined;
  /** The body until it is signed and sent. */
  chunks: readonly Buffer[] = [];
}

/** The one upstream of a cloud's side. */
export interface CloudUpstream {
  readonly name: string;
  readonly client: UpstreamClient;
  readonly origin: string;
  /** The path of `base_url`, without a trailing slash. */
  readonly basePath: string;
  readonly state: UpstreamState;
  readonly credential: CloudCredential;
}

/** What a cloud's configuration decides; it holds until a restart. */
export interface CloudSettings extends PipeSettings {
  readonly format: CloudFormat;
  readonly policy: HeaderPolicy;
  readonly additions: RequestHeaderAdditions;
  readonly headTimeouts: Readonly<Record<CloudRoute['headClock'], Partial<RequestTimeouts>>>;
}

/** Everything that a request in a cloud's own format meets. */
export interface CloudRuntime extends PipeRuntime, CloudSettings {
  readonly first: CloudUpstream;
  readonly budget: ByteBudget;
  readonly open: OpenExchanges;
  readonly exchanges: ExchangeSettings<CloudExchange>;
  readonly usageObserver: UsageObserverOptions;
  /** The same for clients with token limits. */
  readonly measuringObserver: UsageObserverOptions;
  /** Whether what models write is counted for every caller. */
  readonly measuresOutput: boolean;
}

/** Reads the settings of a side out of its configuration. */
export function readCloudSettings({ config }: ConfiguredCloud, format: CloudFormat, viaPseudonym: string): CloudSettings {
  const { timeouts } = config;
  const clock = (seconds: number): Partial<RequestTimeouts> => Object.freeze({ headersMs: seconds * 1_000, idleMs: timeouts.idle * 1_000 });
  return {
    format,
    policy: createHeaderPolicy(format.headerRules),
    additions: Object.freeze({ set: Object.freeze(['via', `1.1 ${viaPseudonym}`]), defaults: Object.freeze([]), forwardCredentials: false }),
    headTimeouts: { quick: clock(timeouts.quick_headers), message: clock(timeouts.message_headers), stream: clock(timeouts.stream_headers) },
    ownsCredential: true,
    explainsCredential: config.upstream_auth_errors === 'explain',
    breaksWithEvent: config.broken_streams === 'event',
    failureEvent: format.failureEvent,
    failureFrame: format.failureFrame,
  };
}
