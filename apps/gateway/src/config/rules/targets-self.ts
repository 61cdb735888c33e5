import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { configuredClouds } from '../configured-clouds.ts';
import { nativeUpstreams } from '../native-upstreams.ts';
import type { GatewayConfig } from '../gateway-config.ts';

/**
 * Whether the upstream's address is our own listener. People export `ANTHROPIC_BASE_URL` to reach a gateway, and a gateway
 * started in that shell would call itself without end. A name that does not resolve is not us.
 */
export async function leadsToOurselves(config: GatewayConfig): Promise<boolean> {
  const bases = [...nativeUpstreams(config).map(({ base_url: base }) => base), ...configuredClouds(config).map(({ baseUrl }) => baseUrl)];
  for (const base of bases) if (await isOurAddress(new URL(base), config)) return true;
  return false;
}

async function isOurAddress(url: URL, config: GatewayConfig): Promise<boolean> {
  const port = Number(url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : url.port);
  if (port !== config.server.port) return false;
  const addresses = await lookup(url.hostname.replace(/^\[|\]$/g, ''), { all: true }).catch(() => []);
  const own = new Set(Object.values(networkInterfaces()).flatMap((entries) => entries ?? []).map(({ address }) => address));
  const { host } = config.server;
  const listensEverywhere = host === '0.0.0.0' || host === '::';
  const bound = listensEverywhere ? own : new Set((await lookup(host, { all: true }).catch(() => [])).map(({ address }) => address));
  return addresses.some(({ address }) => bound.has(address) || (listensEverywhere && address.startsWith('127.')));
}
