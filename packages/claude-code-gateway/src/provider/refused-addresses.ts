import { lookup as resolve, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { ClaudeCodeGatewayError } from '../claude-code-gateway-error.ts';

/** Addresses that no provider or collector has: link-local, metadata services of clouds, unspecified, multicast. Private networks are where providers live. */
const REFUSED = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8], ['169.254.0.0', 16], ['224.0.0.0', 3],
  // Alibaba Cloud, Azure's wire server, Oracle Cloud.
  ['100.100.100.200', 32], ['168.63.129.16', 32], ['192.0.0.192', 32],
] as const) REFUSED.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['::', 128], ['fe80::', 10], ['ff00::', 8],
  // AWS, Google Cloud; link-local addresses behind NAT64 (RFC 6052) and 6to4 (RFC 3056).
  ['fd00:ec2::254', 128], ['fd20:ce::254', 128], ['64:ff9b::a9fe:0', 112], ['2002:a9fe::', 32],
] as const) REFUSED.addSubnet(network, prefix, 'ipv6');

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether the gateway never connects to an address. */
export function isRefusedAddress(address: string): boolean {
  const family = isIP(address);
  return family === 0 || REFUSED.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** Whether a URL's host is this machine by its name alone. */
export function isLoopbackHost({ hostname }: URL): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(host);
  return host === 'localhost' || (family !== 0 && LOOPBACK.check(host, family === 6 ? 'ipv6' : 'ipv4'));
}

/**
 * Checks a URL that a configuration or a discovery document names: `https:`, or `http:` to loopback where that is allowed; no refused literal
 * address. @throws ClaudeCodeGatewayError `address_refused`
 */
export function checkOutboundUrl(url: URL, allowsLoopbackHttp: boolean): void {
  const isAllowed = url.protocol === 'https:' || (url.protocol === 'http:' && allowsLoopbackHttp && isLoopbackHost(url));
  if (!isAllowed) throw new ClaudeCodeGatewayError('address_refused', `${url.origin} must be an https: URL`);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) !== 0 && isRefusedAddress(host)) throw new ClaudeCodeGatewayError('address_refused', `${url.origin} is a link-local or metadata address`);
}

/** Resolves a name for a connection and refuses it if any of its addresses is refused. The connection is made to what is returned: a second resolution cannot differ. */
export const resolveAllowed: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    if (error !== null) {
      callback(error, '', 0);
      return;
    }
    const refused = addresses.find(({ address }) => isRefusedAddress(address));
    const [first] = addresses;
    if (refused !== undefined || first === undefined) callback(new ClaudeCodeGatewayError('address_refused', `${hostname} resolves to a link-local or metadata address`), '', 0);
    else if (options.all === true) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};
