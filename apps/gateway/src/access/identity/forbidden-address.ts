import { isIP } from 'node:net';
import { FORBIDDEN_NETWORKS, LOOPBACK_NETWORKS } from './forbidden-networks.ts';

/**
 * Whether an address may not be connected to for a name of the configuration. `mayBeLoopback`: the name itself is a loopback one, such as `localhost`; any
 * other name that resolves to this machine is refused, since a name service decides where it leads.
 */
export function isForbiddenAddress(address: string, mayBeLoopback: boolean): boolean {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  return FORBIDDEN_NETWORKS.check(address, family) || (!mayBeLoopback && LOOPBACK_NETWORKS.check(address, family));
}
