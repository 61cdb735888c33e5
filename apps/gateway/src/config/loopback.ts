import { BlockList, isIP } from 'node:net';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Takes the brackets off an IPv6 host, as `URL.hostname` has them. */
export function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

/** Whether a host can only be reached from this machine: `localhost`, names under it, 127.0.0.0/8 or ::1. */
export function isLoopbackHost(host: string): boolean {
  const bare = withoutBrackets(host).toLowerCase().replace(/\.$/, '');
  if (bare === 'localhost' || bare.endsWith('.localhost')) return true;
  const family = isIP(bare);
  // BlockList reads IPv4-mapped IPv6 addresses as the IPv4 addresses they are.
  return family !== 0 && LOOPBACK.check(bare, family === 4 ? 'ipv4' : 'ipv6');
}

/** Whether a host is `localhost` or a loopback address: no name service decides where it leads, as it may for names under `localhost`. */
export function isPlainLoopbackHost(host: string): boolean {
  return host === 'localhost' || (isIP(withoutBrackets(host)) !== 0 && isLoopbackHost(host));
}

/** Whether a host means every address of this machine. */
export function isWildcardHost(host: string): boolean {
  const bare = withoutBrackets(host);
  return bare === '0.0.0.0' || /^[0:]+$/.test(bare);
}
