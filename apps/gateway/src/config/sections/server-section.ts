import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import { checkedText, count, hostName, isHostName, list, pem, port, RELOADABLE, seconds, secondsOrNone, text } from './field-kinds.ts';

/** Inbound TLS; every field holds PEM text once loaded. */
export interface ServerTlsConfig {
  readonly cert: string;
  readonly key: string;
  readonly client_ca?: string | undefined;
}

/** The main listener and the process around it. */
export interface ServerConfig {
  readonly host: string;
  readonly port: number;
  readonly workers: number;
  readonly allowed_hosts: readonly string[];
  readonly cors_origins: readonly string[];
  readonly trusted_proxies: readonly string[];
  readonly max_connections: number;
  readonly keep_alive_timeout: number;
  readonly unauthenticated_keep_alive_timeout: number;
  readonly tls?: ServerTlsConfig | undefined;
  readonly pre_stop_delay: number;
  readonly drain_timeout: number;
}

/** Seconds: enough for a client that is refused to try again with a key. */
const DEFAULT_UNAUTHENTICATED_KEEP_ALIVE = 5;

const MAX_ORIGIN_LENGTH = 512;

/** Whether a string is an IP address or a CIDR block, as `trusted_proxies` takes them. */
export function isAddressBlock(value: string): boolean {
  const [address = '', prefix, ...rest] = value.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  if (prefix === undefined) return true;
  if (!/^\d{1,3}$/.test(prefix)) return false;
  try {
    new BlockList().addSubnet(address, Number(prefix), family === 4 ? 'ipv4' : 'ipv6');
    return true;
  } catch {
    return false;
  }
}

function isHostWithOptionalPort(value: string): boolean {
  if (isHostName(value)) return true;
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(value);
  if (match === null) return false;
  const [, bracketed, name, portText = '0'] = match;
  return Number(portText) <= 65_535 && (bracketed === undefined ? isHostName(name ?? '') : isIP(bracketed) === 6);
}

const AN_ORIGIN = 'an origin such as https://app.example.com or app://obsidian.md: a scheme, a host and perhaps a port, without a slash behind them';
/** Why these two are no entries of a list of origins. */
const NO_ORIGINS: ReadonlyMap<string, string> = new Map([
  ['null', 'an origin of its own, not "null": every sandboxed frame, local file and redirected request sends that'],
  ['*', 'an origin of its own, not "*": every page that a user of the gateway opens could then use it'],
]);
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i;

/**
 * Whether a browser may send a text as `Origin`: the serialized origin of RFC 6454 section 6.2, whose schemes no list closes (apps, extensions).
 * Of a web page it is the canonical form, so that an entry that no browser sends (capital letters, the scheme's own port) is refused.
 */
function isOrigin(value: string): boolean {
  const match = ORIGIN.exec(value);
  if (match === null || value.length > MAX_ORIGIN_LENGTH || Number(match[1] ?? 0) > 65_535) return false;
  return !/^https?:/i.test(value) || URL.parse(value)?.origin === value;
}

function origin(): z.ZodString {
  return text(AN_ORIGIN).refine(isOrigin, { error: ({ input }) => NO_ORIGINS.get(String(input)) ?? AN_ORIGIN });
}

const tlsSection: z.ZodType<ServerTlsConfig> = z.strictObject({
  cert: pem('a certificate chain').describe('Certificate chain: PEM text or the path of a PEM file.').meta(RELOADABLE),
  key: pem('a private key').describe('Private key: PEM text or the path of a PEM file. Secret.').meta(RELOADABLE),
  client_ca: pem('certificates').optional()
    .describe('When given, clients must present a certificate issued by one of these authorities (mutual TLS).'),
}, 'an object with cert and key');

/** The schema of `server`. */
export const serverSection: z.ZodType<ServerConfig> = z.strictObject({
  host: hostName().default('127.0.0.1').describe('Address to listen on. Other than loopback needs `allowed_hosts`, and clients when a key of the gateway\'s is spent.'),
  port: port().default(8_000).describe('Port to listen on.'),
  workers: count(0, 1_024).default(1).describe('Worker processes; 0 means one a core. They share the configured connections, waiters and byte budget between them.'),
  allowed_hosts: list(checkedText('a host name or address, with or without a port', isHostWithOptionalPort)).default([])
    .describe('Values of `Host` that are ours. Empty: loopback names and the bound address. Must be given on hosts other than loopback.').meta(RELOADABLE),
  cors_origins: list(origin()).default([])
    .describe('Origins of pages, apps and extensions that may call the gateway, compared byte for byte with `Origin`. Requests of any other origin are refused.').meta(RELOADABLE),
  trusted_proxies: list(checkedText('an IP address or a CIDR block', isAddressBlock)).default([])
    .describe('Addresses of the proxies in front, whose `X-Forwarded-For` is believed for the client\'s address (logs, pool numbers in health), and `X-Forwarded-Proto` for a rewritten `results_url`.').meta(RELOADABLE),
  max_connections: count(1).default(8_000)
    .describe('Inbound connections, per worker. When all are open, a new one gets the place of the longest idle one; one with an open request never gives way.'),
  keep_alive_timeout: seconds().default(75)
    .describe('Seconds for which an idle connection is kept. Must be larger than the time for which a load balancer in front keeps its connections (docs/operations.md).'),
  unauthenticated_keep_alive_timeout: seconds().optional()
    .describe('The same for a connection on which no request was authenticated and whose peer is none of `trusted_proxies`. At most `keep_alive_timeout`; absent: the smaller of 5 and `keep_alive_timeout`.'),
  tls: tlsSection.optional().describe('Inbound TLS. Absent: plain HTTP.'),
  pre_stop_delay: secondsOrNone().default(0)
    .describe('After SIGTERM readiness is 503 at once, and requests are still taken (with `connection: close`) for this long.'),
  drain_timeout: secondsOrNone().default(600).describe('How long open responses may run after that.'),
}, 'an object').transform((server) => ({
  ...server,
  unauthenticated_keep_alive_timeout: server.unauthenticated_keep_alive_timeout ?? Math.min(DEFAULT_UNAUTHENTICATED_KEEP_ALIVE, server.keep_alive_timeout),
}));
