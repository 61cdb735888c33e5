import type { LookupAddress, LookupAllOptions } from 'node:dns';
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
  return host === 'localhost' || isLoopbackAddress(host);
}

function isLoopbackAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && LOOPBACK_NETWORKS.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/**
 * Checks a URL that a configuration or a discovery document names: `https:`, or `http:` to this machine; no refused literal address. This machine is
 * named only where `allowsLoopback`: a provider elsewhere must not lead here. @throws ClaudeCodeGatewayError `address_refused`
 */
export function checkOutboundUrl(url: URL, allowsLoopback: boolean): void {
  const isLoopback = isLoopbackHost(url);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && allowsLoopback && isLoopback)) throw new ClaudeCodeGatewayError('address_refused', `${url.origin} must be an https: URL`);
  if (isLoopback && !allowsLoopback) throw new ClaudeCodeGatewayError('address_refused', `${url.origin} is this machine, and the configuration does not name it`);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) !== 0 && isRefusedAddress(host)) throw new ClaudeCodeGatewayError('address_refused', `${url.origin} is a link-local or metadata address`);
}

/** Resolves a name to all of its addresses, as `dns.lookup` does. */
export interface ResolveName {
  (hostname: string, options: LookupAllOptions, callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void): void;
}

/**
 * Resolves names for connections and refuses one if any of its addresses is refused, or is this machine's: a name service decides where a name leads, unless it
 * is a loopback name itself. The connection is made to what is returned: a second resolution cannot differ.
 */
export function createGuardedLookup(resolveName: ResolveName): LookupFunction {
  return (hostname, options, callback) => {
    resolveName(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, '', 0);
        return;
      }
      // `localhost` leads nowhere else: it may be asked unencrypted.
      const isLocal = hostname === 'localhost';
      const refused = addresses.find(({ address }) => isRefusedAddress(address) || isLoopbackAddress(address) !== isLocal);
      const [first] = addresses;
      if (refused !== undefined || first === undefined) callback(new ClaudeCodeGatewayError('address_refused', `${hostname} resolves to an address that is never connected to for it`), '', 0);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
