import { Buffer } from 'node:buffer';
import type { UsageObserverOptions } from '@penstock/anthropic-usage';
import { respond } from '@penstock/inbound-server';
import { OpenExchanges } from '@penstock/proxy';
import { createUpstreamClient, type UpstreamClient } from '@penstock/upstream-client';
import type { ClientRegistry } from '../access/clients/client-registry.ts';
import { createByteBudget } from '../body/byte-budget.ts';
import { checkWholeJson } from '../body/whole-json.ts';
import type { CloudSide, ConfiguredCloud } from '../config/configured-clouds.ts';
import { PLAIN } from '../config/plain.ts';
import type { CloudCredentialConfig } from '../config/sections/cloud-sections.ts';
import { toUpstreamClientSettings } from '../config/upstream-client-settings.ts';
import { refusesAwsCredential } from '../observe/upstreams/aws-refusals.ts';
import { describeUpstream, type Successes, type UpstreamSnapshot } from '../observe/upstreams/upstream-snapshot.ts';
import { createUpstreamState, type UpstreamStateOptions } from '../observe/upstreams/upstream-state.ts';
import { PipeHooks } from '../pipe/pipe-hooks.ts';
import type { PipeRuntime } from '../pipe/pipe-runtime.ts';
import type { InboundRequest } from '../request/inbound-request.ts';
import type { CloudFormat } from './cloud-format.ts';
import { LARGEST_CLOUD_BODY_BYTES } from './cloud-phases.ts';
import { readCloudSettings, type CloudRuntime, type CloudUpstream } from './cloud-runtime.ts';
import { createCredential } from './create-credential.ts';
import { describeCloudHealth } from './describe-cloud-health.ts';
import { handleCloudRequest } from './handle-cloud-request.ts';

/** The part of the gateway that serves one cloud's own format, mounted under its name. */
export interface CloudGatewaySide {
  readonly name: CloudSide;
  readonly client: UpstreamClient;
  handle(inbound: InboundRequest): Promise<void>;
  /** Request bytes held now, and their bound. */
  bufferedBytes(): { readonly usedBytes: number; readonly maxBytes: number };
  upstreams(): readonly UpstreamSnapshot[];
  /** Takes the latest successes of its upstream in other workers. */
  noteSuccesses(successes: Successes): void;
  /** Applies a reload: callers change, its own settings hold until a restart. */
  update(clients: ClientRegistry): void;
  /** Breaks open responses visibly; the drain deadline. */
  interrupt(reason: string): void;
  close(graceMs: number): Promise<void>;
}

/** The parts that the app gives a cloud's side. */
export interface CloudSideOptions extends Omit<PipeRuntime, 'first'> {
  readonly cloud: ConfiguredCloud;
  readonly format: CloudFormat;
  readonly measuresOutput: boolean;
}

/** Makes the side of one cloud; nothing is connected before the first request. */
export function createCloudSide({ cloud, format, ...parts }: CloudSideOptions): CloudGatewaySide {
  const { name, config } = cloud;
  const upstream = createCloudUpstream(cloud);
  const settings = readCloudSettings(cloud, format, parts.viaPseudonym);
  const usageObserver: UsageObserverOptions = { onError: (error) => parts.metrics.observerError('usage', error) };
  const open = new OpenExchanges();
  const budget = createByteBudget(config.max_buffered_bytes, LARGEST_CLOUD_BODY_BYTES);
  const runWith = (clients: ClientRegistry): CloudRuntime => {
    const base = { ...parts, ...settings, clients, first: upstream, budget, open, usageObserver, measuringObserver: { ...usageObserver, measuresText: true } };
    return {
      ...base,
      exchanges: { upstream: upstream.client, policy: base.policy, relay: { plain: PLAIN, clientStallMs: config.timeouts.client_stall * 1_000 }, open, hooks: new PipeHooks(base) },
    };
  };
  let runtime = runWith(parts.clients);
  const healthPath = `/${name}/health`;

  return {
    name,
    client: upstream.client,
    handle: (inbound) => (inbound.path === healthPath && (inbound.method === 'GET' || inbound.method === 'HEAD') ? answerHealth(runtime, inbound) : handleCloudRequest(runtime, inbound)),
    bufferedBytes: () => ({ usedBytes: budget.taken(), maxBytes: config.max_buffered_bytes }),
    upstreams: () => [describeUpstream(name, upstream.client.stats(), upstream.state.times(), undefined)],
    noteSuccesses: (successes) => upstream.state.succeededElsewhere(successes[name] ?? 0),
    update(clients) {
      runtime = runWith(clients);
    },
    interrupt: (reason) => open.interrupt(reason),
    async close(graceMs) {
      upstream.credential.close();
      await upstream.client.close({ graceMs });
    },
  };
}

function createCloudUpstream(cloud: ConfiguredCloud): CloudUpstream {
  const { name, config, baseUrl } = cloud;
  const { ca, proxy } = config;
  const url = new URL(baseUrl);
  const credential = createCredential(cloud, () => { state.credentialRenewed(); });
  const state = createUpstreamState({
    kind: 'upstream', ownsCredential: () => true, readRefusal: name === 'bedrock' ? refusalsOfBedrock(config.credential) : undefined, onRefused: () => { credential.refused(); },
  });
  return {
    name,
    origin: url.origin,
    basePath: url.pathname.replace(/\/+$/, ''),
    client: createUpstreamClient({
      origin: url.origin, plain: PLAIN, closeDelimitedCheck: checkWholeJson, ...toUpstreamClientSettings(config),
      ...(ca === undefined ? {} : { tls: { ca } }),
      ...(proxy === undefined ? {} : { proxy }),
    }),
    state,
    credential,
  };
}

/** An API key that is not valid is refused with the name of what the account may not do: of a bearer only the names of bad credentials are certain. */
function refusalsOfBedrock({ bearer, bearer_command: command }: CloudCredentialConfig): UpstreamStateOptions['readRefusal'] {
  if (bearer === undefined && command === undefined) return refusesAwsCredential;
  return (rawHeaders) => (refusesAwsCredential(rawHeaders) === true ? true : undefined);
}

/** The health of the side needs no key and is not recorded. */
async function answerHealth(runtime: CloudRuntime, inbound: InboundRequest): Promise<void> {
  const headers = ['content-type', 'application/json', 'cache-control', 'no-store', 'x-penstock-request-id', inbound.id, ...inbound.responseFields];
  if (runtime.lifecycle.isLeaving) headers.push('connection', 'close');
  await respond(inbound.request, inbound.response, { status: 200, headers, body: Buffer.from(JSON.stringify(describeCloudHealth(runtime, inbound))) });
}
