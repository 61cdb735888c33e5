import { frontDoorBackends, frontDoorModels } from './front-door-backends.ts';
import { hideQuery, isKeyLike, isSecretField } from './problems/secret-fields.ts';
import type { GatewayConfig } from './gateway-config.ts';

const MASK = '********';

/** The configuration as it will be used, defaults and derived values included, fit to be printed: secrets are masked. */
export function describeConfig(config: GatewayConfig): Readonly<Record<string, unknown>> {
  const effective = {
    ...config,
    openai_front_door: { ...config.openai_front_door, backends: frontDoorBackends(config), models: frontDoorModels(config) },
  };
  return maskFields(effective);
}

function mask(value: unknown, name: string | undefined): unknown {
  if (typeof value === 'string') return maskText(value, name);
  if (Array.isArray(value)) return value.map((item: unknown) => mask(item, isSecretField(name) ? name : undefined));
  if (typeof value !== 'object' || value === null) return value;
  // Header fields that are sent to a collector: whichever holds its key.
  return name === 'headers' ? Object.fromEntries(Object.keys(value).map((field) => [isKeyLike(field) ? MASK : field, MASK])) : maskFields(value);
}

function maskFields(fields: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).filter(([, item]) => item !== undefined).map(([key, item]) => [isKeyLike(key) ? MASK : key, mask(item, key)]));
}

function maskText(text: string, name: string | undefined): string {
  if (name === 'proxy' || name === 'store') return maskUrl(text);
  // The key behind a hash can be guessed if it is weak; its start is enough to compare.
  if (name === 'key_sha256' || name === 'sha256') return `${text.slice(0, 8).toLowerCase()}…`;
  if (isSecretField(name)) return MASK;
  if (!text.includes('-----BEGIN CERTIFICATE-----') && isKeyLike(text)) return MASK;
  const certificates = text.match(/-----BEGIN CERTIFICATE-----/g)?.length;
  return certificates === undefined ? hideQuery(text) : `(${certificates === 1 ? '1 certificate' : `${certificates} certificates`})`;
}

function maskUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null) return text === 'memory' ? text : MASK;
  if (url.username !== '') url.username = MASK;
  if (url.password !== '') url.password = MASK;
  // A Redis URL may carry credentials in its query as well.
  if (url.search !== '') url.search = `?${MASK}`;
  return url.href;
}
