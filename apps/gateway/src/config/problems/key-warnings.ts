import { frontDoorBackends } from '../front-door-backends.ts';
import { clientKeys } from '../sections/client-keys.ts';
import { isExampleHash } from './known-keys.ts';
import type { GatewayConfig } from '../gateway-config.ts';

/** Texts that stand where a key belongs until it is put there. */
const PLACEHOLDER = /\.\.\.|…|x{6}|[<>{}[\]$]|\b(?:your|my|replace|change-?me|placeholder|insert|example|dummy|todo|foo)\b|^(?:test|key|secret|none|null|undefined)$/i;
/** https://platform.claude.com/docs/en/api/overview: keys of the Console begin so; what follows is long. */
const API_KEY = /^sk-ant-api\d\d-[\w-]{20,}$/;
const ADMIN_PREFIX = 'sk-ant-admin';

/** Keys that the API or the gateway will probably refuse. No warning shows one. */
export function findKeyWarnings(config: GatewayConfig, simulate: boolean, now: number = Date.now()): string[] {
  return [...apiKeys(config, simulate).flatMap(warnOfKey), ...clientWarnings(config, now)];
}

interface ConfiguredKey {
  readonly at: string;
  readonly key: string;
  readonly base: string;
  /** Of a bearer the form is the issuer's own. */
  readonly isBearer?: boolean;
}

function apiKeys(config: GatewayConfig, simulate: boolean): ConfiguredKey[] {
  const { anthropic_native: native, openai_front_door: frontDoor } = config;
  const own = simulate || native.credentials === 'forward' ? [] : nativeKeys(native);
  // Without backends of its own the front door has a copy of the native key, which is one warning.
  const backends = frontDoor.backends.length === 0 ? [] : frontDoorBackends(config);
  return [...own, ...backends.flatMap(({ api_key: key, base_url: base }, index) => (key === undefined ? [] : [{ at: `openai_front_door.backends[${index}].api_key`, key, base }]))];
}

/** Those of the list, or the one of the short form. */
function nativeKeys({ upstreams, api_key: key, base_url: base }: GatewayConfig['anthropic_native']): ConfiguredKey[] {
  if (upstreams.length === 0) return key === undefined ? [] : [{ at: 'anthropic_native.api_key', key, base }];
  return upstreams.flatMap(({ credential, base_url: own }, index): ConfiguredKey[] => {
    const at = `anthropic_native.upstreams[${index}].credential`;
    if (credential.api_key !== undefined) return [{ at: `${at}.api_key`, key: credential.api_key, base: own }];
    return credential.bearer === undefined ? [] : [{ at: `${at}.bearer`, key: credential.bearer, base: own, isBearer: true }];
  });
}

function warnOfKey({ at, key, base, isBearer = false }: ConfiguredKey): string[] {
  if (PLACEHOLDER.test(key)) return [`${at} looks like a placeholder: put a key there`];
  if (isBearer) return [];
  if (!/(?:^|\.)anthropic\.com$/.test(new URL(base).hostname) || API_KEY.test(key)) return [];
  if (key.startsWith(ADMIN_PREFIX)) return [`${at} is an Admin API key, which takes no messages: use one that begins with sk-ant-api`];
  return [`${at} does not have the form of an Anthropic API key (sk-ant-api…): penstock check --online asks the API whether it is one`];
}

function clientWarnings({ clients }: GatewayConfig, now: number): string[] {
  return clients.flatMap((client): string[] => {
    const keys = clientKeys(client);
    const usable = keys.filter(({ sha256, expiresAt }) => expiresAt > now && !isExampleHash(sha256));
    if (usable.length > 0) return [];
    if (keys.length === 0) return [`client ${client.name} has no key: penstock keys create ${client.name} --config FILE makes one`];
    const reason = keys.some(({ sha256 }) => isExampleHash(sha256)) ? 'has the hash of the examples, for which there is no key' : 'has no key that has not expired';
    return [`client ${client.name} ${reason}: penstock keys create ${client.name} --config FILE makes one`];
  });
}
