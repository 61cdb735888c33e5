import type { TokenNetwork } from '@penstock/cloud-credentials';
import { environmentProxy } from './reading/egress-proxies.ts';
import type { Environment } from './reading/overrides.ts';

/** One URL of each scheme an upstream may have, which decides on the variable. */
const OF_EACH_SCHEME = ['https://upstream.invalid', 'http://upstream.invalid'];

/**
 * The way to the token servers of an upstream. A proxy that only the configuration names is for them, too. One of the environment was chosen by the host of the
 * upstream: its token servers have hosts of their own, for each of which the environment decides anew.
 */
export function tokenNetwork({ proxy, ca }: { readonly proxy?: string | undefined; readonly ca?: string | undefined }, environment: Environment = process.env): TokenNetwork {
  const withoutExceptions = { ...environment, no_proxy: '' };
  const [named, ...others] = OF_EACH_SCHEME.map((target) => proxyFor(withoutExceptions, target));
  const isOfEnvironment = proxy === undefined ? named !== undefined : [named, ...others].includes(proxy);
  return isOfEnvironment ? { ca, proxy: (server) => proxyFor(environment, server.href) } : { ca, proxy };
}

/** A variable that no proxy can be read from is a problem of the configuration where an upstream needs it. Elsewhere it names none. */
function proxyFor(environment: Environment, target: string): string | undefined {
  try {
    return environmentProxy(environment, target);
  } catch {
    return undefined;
  }
}
