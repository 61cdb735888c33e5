import { lookup as resolve, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { ClaudeCodeGatewayError } from '../claude-code-gateway-error.ts';
import { FORBIDDEN_NETWORKS, LOOPBACK_NETWORKS } from './forbidden-networks.ts';

/** Whether the gateway never connects to an address. */
export function isRefusedAddress(address: string): boolean {
  const family = isIP(address);
  return family === 0 || FORBIDDEN_NETWORKS.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** Whether a URL's host is this machine by its name alone. */
export function isLoopbackHost({ hostname }: URL): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(host);
  return host === 'localhost' || (family !== 0 && LOOPBACK_NETWORKS.check(host, family === 6 ? 'ipv6' : 'ipv4'));
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
