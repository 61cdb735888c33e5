import { isIP } from 'node:net';
import { isLoopbackHost, withoutBrackets } from '../../config/loopback.ts';
import { FORBIDDEN_NETWORKS, LOOPBACK_NETWORKS } from './forbidden-networks.ts';

/**
 * Whether an address may not be connected to for a name of the configuration. `mayBeLoopback`: the name itself is a loopback one, such as `localhost`; any
 * other name that resolves to this machine is refused, since a name service decides where it leads.
 */
export function isForbiddenAddress(address: string, mayBeLoopback: boolean): boolean {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  return FORBIDDEN_NETWORKS.check(address, family) || (!mayBeLoopback && LOOPBACK_NETWORKS.check(address, family));
}

/** Whether the host of a URL is itself an address that may not be connected to: such a one is connected to without being looked up. */
export function isForbiddenHost(host: string): boolean {
  const bare = withoutBrackets(host);
  return isIP(bare) !== 0 && isForbiddenAddress(bare, isLoopbackHost(bare));
}
