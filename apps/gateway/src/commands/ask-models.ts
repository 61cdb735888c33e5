import { createUpstreamClient } from '@penstock/upstream-client';
import { request } from 'undici';
import { toUpstreamClientSettings } from '../config/upstream-client-settings.ts';
import { frontDoorBackends } from '../config/front-door-backends.ts';
import { backendSettings } from '../front-door/backend-settings.ts';
import { nativeUpstreams } from '../config/native-upstreams.ts';
import { createUpstreamCredential, CredentialError } from '../native/upstreams/upstream-credential.ts';
import { configuredClouds } from '../config/configured-clouds.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import type { EffectiveUpstream } from '../config/native-upstreams.ts';
import type { CredentialConfig } from '../config/sections/credential-fields.ts';
import { checkSideCredential, checkUpstreamCredential } from './check-credential.ts';
import { ASK_TIMEOUT_MS, describeUnasked, type OnlineAnswer } from './online-answer.ts';

/** One upstream with the credential that the gateway would send there. */
interface Asked {
  /** The path of the credential in the configuration. */
  readonly at: string;
  readonly kind: 'anthropic' | 'openai';
  readonly base_url: string;
  /** The credential that is sent there; `bearer_file` is read when it is asked. */
  readonly credential: CredentialConfig;
  readonly version: string;
  /** Set where the credential is fetched or made for each request, or the upstream is a cloud. */
  readonly cloud?: EffectiveUpstream | undefined;
  readonly ca?: string | undefined;
  readonly proxy?: string | undefined;
}

const MOST_NAMED = 5;
const MAX_ANSWER_BYTES = 4_194_304;

/** Asks each upstream once for its models, with the credential, the proxy and the authorities that the gateway would use. A cloud is asked to count tokens, once its credential is fetched. */
export async function askModels(config: GatewayConfig, timeoutMs: number = ASK_TIMEOUT_MS): Promise<readonly OnlineAnswer[]> {
  const asked = credentials(config);
  const clouds = configuredClouds(config);
  if (asked.length === 0 && clouds.length === 0) return [{ text: 'no credential of the gateway\'s own to ask with: callers send theirs (anthropic_native.credentials "forward")', accepted: true }];
  return await Promise.all([
    ...asked.map((one) => (one.cloud === undefined ? ask(one, config, timeoutMs) : checkUpstreamCredential(one.at, one.cloud, one.version, timeoutMs))),
    ...clouds.map((cloud) => checkSideCredential(cloud, timeoutMs)),
  ]);
}

/** The native credentials, and those of backends that are not a copy of one. */
function credentials(config: GatewayConfig): Asked[] {
  const { anthropic_native: native, openai_front_door: frontDoor } = config;
  const own = native.credentials === 'forward' ? [] : nativeUpstreams(config).flatMap((upstream, index): Asked[] => {
    const [member] = Object.entries(upstream.credential).find(([, value]) => value !== undefined) ?? [];
    if (member === undefined) return [];
    return [{ ...upstream, kind: 'anthropic', cloud: isAsked(upstream) ? undefined : upstream, at: native.upstreams.length === 0 ? 'anthropic_native.api_key' : `anthropic_native.upstreams[${index}].credential.${member}`, version: native.version }];
  });
  if (frontDoor.backends.length === 0) return own;
  const backends = frontDoorBackends(config).flatMap((backend, index): Asked[] => (backend.api_key === undefined ? [] : [{ ...backend, credential: backend.kind === 'openai' ? { bearer: backend.api_key } : { api_key: backend.api_key }, at: `openai_front_door.backends[${index}].api_key` }]));
  return [...own, ...backends];
}

/** An upstream whose list of models shows whether it takes the credential. */
function isAsked({ kind, credential: { bearer_command: command } }: EffectiveUpstream): boolean {
  return kind === 'anthropic' && command === undefined;
}

async function ask({ at, kind, base_url: base, credential: configured, version, ca, proxy }: Asked, config: GatewayConfig, timeoutMs: number): Promise<OnlineAnswer> {
  const url = new URL(base);
  const settings = at.startsWith('anthropic_native') ? toUpstreamClientSettings(config.anthropic_native) : backendSettings(kind, config.openai_front_door);
  const upstream = createUpstreamClient({ origin: url.origin, ...settings, ...(ca === undefined ? {} : { tls: { ca } }), ...(proxy === undefined ? {} : { proxy }) });
  const path = `${url.pathname.replace(/\/+$/, '')}${kind === 'anthropic' ? '/v1/models?limit=1000' : '/models'}`;
  const credential = createUpstreamCredential(configured);
  try {
    const [name = '', value = ''] = credential.fields();
    const headers = { [name]: value, ...(kind === 'anthropic' ? { 'anthropic-version': version } : {}) };
    const { statusCode, body, headers: answered } = await request(url.origin + path, { dispatcher: upstream, headers: { ...headers, 'accept-encoding': 'identity' }, signal: AbortSignal.timeout(timeoutMs) });
    const text = await readBounded(body);
    return describe(at, url.origin, statusCode, text, answered['anthropic-organization-id']);
  } catch (error) {
    if (error instanceof CredentialError) return { text: `${at}: ${error.message}`, accepted: false };
    return { text: `${at}: ${describeUnasked(url.origin, error)}`, accepted: false };
  } finally {
    credential.close();
    await upstream.close({ graceMs: 0 });
  }
}

async function readBounded(body: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_ANSWER_BYTES) break;
  }
  return text;
}

function describe(at: string, origin: string, status: number, text: string, organization: string | readonly string[] | undefined): OnlineAnswer {
  if (status === 401) return { text: `${at}: ${origin} refuses the key (401): it is wrong, or it was revoked`, accepted: false };
  if (status === 403) return { text: `${at}: ${origin} knows the key and does not let it list models (403)`, accepted: false };
  if (status !== 200) return { text: `${at}: ${origin} answered ${status}, so that nothing is known of the key`, accepted: false };
  const models = modelsOf(text);
  if (models === undefined) return { text: `${at}: ${origin} answered 200 with something that is no list of models`, accepted: false };
  const named = models.slice(0, MOST_NAMED).join(', ');
  const more = models.length > MOST_NAMED ? `, and ${models.length - MOST_NAMED} more` : '';
  const whose = typeof organization === 'string' ? `, organization ${organization}` : '';
  return { text: `${at}: ${origin} takes the key${whose}; it may use ${models.length} model(s)${models.length === 0 ? '' : `: ${named}${more}`}`, accepted: true };
}

function modelsOf(text: string): readonly string[] | undefined {
  try {
    const { data } = JSON.parse(text) as { data?: unknown };
    return Array.isArray(data) ? data.flatMap((model: { id?: unknown } | null) => (typeof model?.id === 'string' ? [model.id] : [])) : undefined;
  } catch {
    return undefined;
  }
}
