import { valueProblem } from '../config-error.ts';
import { configuredClouds } from '../configured-clouds.ts';
import { isLoopbackHost } from '../loopback.ts';
import { servesNative } from '../native-upstreams.ts';
import { nameReceived } from '../problems/secret-fields.ts';
import type { ConfigProblem } from '../config-error.ts';
import type { GatewayConfig } from '../gateway-config.ts';
import type { CrossFieldRule } from './cross-field-rule.ts';

const OAUTH_PREFIX = 'sk-ant-oat';

/** The upstreams as written, with the path of each: the native one, those of clouds, and the front door's. */
function namedUpstreams(config: GatewayConfig): { at: string; kind: string; base_url: string | undefined; api_key: string | undefined; insecure: boolean }[] {
  const { anthropic_native: native, openai_front_door: frontDoor } = config;
  return [
    ...(native.upstreams.length > 0 ? [] : [{ at: 'anthropic_native', kind: 'anthropic', base_url: native.base_url, api_key: native.api_key, insecure: native.allow_insecure_base_url }]),
    ...native.upstreams.map(({ kind, base_url, credential, allow_insecure_base_url: insecure }, index) => ({
      at: `anthropic_native.upstreams[${index}]`, kind, base_url, api_key: credential.api_key ?? '', insecure: insecure ?? native.allow_insecure_base_url,
    })),
    ...configuredClouds(config).map(({ name, config: cloud, baseUrl }) => ({ at: name, kind: name, base_url: baseUrl, api_key: '', insecure: cloud.allow_insecure_base_url })),
    ...frontDoor.backends.map((backend, index) => ({
      at: `openai_front_door.backends[${index}]`, kind: backend.kind, base_url: backend.base_url, api_key: backend.api_key, insecure: backend.allow_insecure_base_url,
    })),
  ];
}

function isNative(at: string): boolean {
  return at.startsWith('anthropic_native');
}

const upstreamsAreEncrypted: CrossFieldRule = {
  reads: ['anthropic_native.base_url', 'anthropic_native.allow_insecure_base_url', 'anthropic_native.upstreams', 'openai_front_door.backends', 'bedrock', 'vertex'],
  check: (config, { simulate }) => namedUpstreams(config).flatMap(({ at, base_url: base, insecure }): ConfigProblem[] => {
    if (base === undefined || insecure || (simulate && isNative(at))) return [];
    const url = new URL(base);
    if (url.protocol === 'https:' || isLoopbackHost(url.hostname)) return [];
    return [valueProblem(`${at}.base_url`, `an https:// URL, or an http:// one of a loopback host, unless ${at}.allow_insecure_base_url is true`, nameReceived(base, false))];
  }),
};

const basePathHasNoVersion: CrossFieldRule = {
  reads: ['anthropic_native.base_url', 'anthropic_native.upstreams', 'openai_front_door.backends', 'bedrock', 'vertex'],
  check: (config, { simulate }) => namedUpstreams(config).flatMap(({ at, kind, base_url: base }): ConfigProblem[] => {
    if (base === undefined || kind !== 'anthropic' || (simulate && isNative(at))) return [];
    if (!/\/v1\/*$/.test(new URL(base).pathname)) return [];
    return [valueProblem(`${at}.base_url`, 'a URL without /v1 at its end, which the gateway adds', nameReceived(base, false))];
  }),
};

const noOauthTokenAsKey: CrossFieldRule = {
  reads: ['anthropic_native.api_key', 'anthropic_native.upstreams', 'openai_front_door.backends', 'bedrock', 'vertex'],
  check: (config) => namedUpstreams(config).filter(({ api_key: key }) => key?.startsWith(OAUTH_PREFIX)).map(({ at }) => valueProblem(
    `${at}.api_key`, 'an API key', `an OAuth token (${OAUTH_PREFIX}…, hidden)`,
    'it belongs to one person; let its owner send it and set anthropic_native.credentials to "forward"',
  )),
};

const forwardOnlyToTrustedOrigins: CrossFieldRule = {
  reads: ['anthropic_native.base_url', 'anthropic_native.credentials', 'anthropic_native.trusted_credential_origin'],
  check: ({ anthropic_native: native }, { simulate }) => {
    if (native.credentials !== 'forward' || simulate || native.upstreams.length > 0) return [];
    const url = new URL(native.base_url);
    const trusted = native.trusted_credential_origin === undefined ? undefined : new URL(native.trusted_credential_origin).origin;
    if (/(?:^|\.)anthropic\.com$/.test(url.hostname) || isLoopbackHost(url.hostname) || url.origin === trusted) return [];
    return [valueProblem(
      'anthropic_native.base_url', 'at anthropic.com or loopback, or at the origin that anthropic_native.trusted_credential_origin names, when anthropic_native.credentials is "forward"',
      nameReceived(native.base_url, false), 'clients\' own credentials would be sent there',
    )];
  },
};

const injectHasAKey: CrossFieldRule = {
  reads: ['anthropic_native.api_key', 'anthropic_native.credentials', 'anthropic_native.upstreams', 'openai_front_door.backends', 'bedrock', 'vertex'],
  check: (config, { simulate }) => namedUpstreams(config).flatMap(({ at, kind, api_key: key }): ConfigProblem[] => {
    if (key !== undefined || kind !== 'anthropic') return [];
    if (at !== 'anthropic_native') return [valueProblem(`${at}.api_key`, 'the key of this backend', 'nothing')];
    if (simulate || config.anthropic_native.credentials === 'forward' || !servesNative(config)) return [];
    return [valueProblem(
      'anthropic_native.api_key', 'an API key when anthropic_native.credentials is "inject"', 'nothing',
      'set ANTHROPIC_API_KEY, or try the gateway without a key with --simulate',
    )];
  }),
};

/** Where requests go, and with which credential. */
export const upstreamRules: readonly CrossFieldRule[] = [
  upstreamsAreEncrypted, basePathHasNoVersion, noOauthTokenAsKey, forwardOnlyToTrustedOrigins, injectHasAKey,
];
