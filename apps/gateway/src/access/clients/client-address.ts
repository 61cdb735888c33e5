import { BlockList, isIP } from 'node:net';

const MOST_HOPS = 64;

/** The proxies in front of us, from addresses and CIDR blocks that the configuration has validated. */
export function createTrustedProxies(blocks: readonly string[]): BlockList {
  const trusted = new BlockList();
  for (const block of blocks) {
    const [address = '', prefix] = block.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    if (prefix === undefined) trusted.addAddress(address, family);
    else trusted.addSubnet(address, Number(prefix), family);
  }
  return trusted;
}

/**
 * The address a request came from: the socket's, or, while that is a trusted proxy, the one it names in `X-Forwarded-For`, read from
 * the right. Anything a client wrote there itself stands further left and is never reached. `unknown` for a socket that is gone.
 */
export function clientAddress(socketAddress: string | undefined, rawHeaders: readonly string[], trustedProxies: BlockList): string {
  let address = plainAddress(socketAddress ?? '');
  if (address === undefined) return 'unknown';
  const hops = forwardedValues(rawHeaders, 'x-forwarded-for');
  for (let hop = hops.pop(); hop !== undefined && isTrusted(address, trustedProxies); hop = hops.pop()) {
    const next = plainAddress(hop);
    // A trusted proxy that writes nonsense: the last address that is known for certain is its own.
    if (next === undefined) break;
    address = next;
  }
  return address;
}

/** Whether the client's own connection is encrypted: ours is, or a trusted proxy reports it for its own (`X-Forwarded-Proto`). */
export function isEncrypted(socket: { readonly remoteAddress?: string | undefined }, rawHeaders: readonly string[], trustedProxies: BlockList): boolean {
  if ('encrypted' in socket) return true;
  if (!isTrustedProxy(socket, trustedProxies)) return false;
  const scheme = forwardedValues(rawHeaders, 'x-forwarded-proto').at(-1);
  return scheme?.trim().toLowerCase() === 'https';
}

/** Whether a connection was made by a trusted proxy. */
export function isTrustedProxy(socket: { readonly remoteAddress?: string | undefined }, trustedProxies: BlockList): boolean {
  const peer = plainAddress(socket.remoteAddress ?? '');
  return peer !== undefined && isTrusted(peer, trustedProxies);
}

function isTrusted(address: string, trusted: BlockList): boolean {
  return trusted.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

/** The values of a list field in order, the nearest proxy's last. */
function forwardedValues(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === name) values.push(...(rawHeaders[index + 1] ?? '').split(','));
  }
  return values.slice(-MOST_HOPS);
}

/** An address without port, brackets, zone or IPv4 mapping; undefined for anything else. */
function plainAddress(text: string): string | undefined {
  const trimmed = text.trim();
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(trimmed)?.[1] ?? /^([\d.]+):\d+$/.exec(trimmed)?.[1] ?? trimmed;
  const unmapped = bare.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(unmapped) === 0 ? undefined : unmapped;
}
