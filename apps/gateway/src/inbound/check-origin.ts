import { isIP } from 'node:net';

/** The facts of a request that say whether it was meant for this listener and may have come from a browser. */
export interface OriginFacts {
  /** The Host field, linted. */
  readonly host: string;
  /** The address on which the connection was accepted. */
  readonly localAddress: string | undefined;
  readonly origin: string | undefined;
  readonly secFetchSite: string | undefined;
}

/** What a request may not do here. `undefined` stands for nothing wrong. */
export type OriginProblem = 'misdirected' | 'browser' | undefined;

/** Decides by Host and Origin. */
export interface OriginCheck {
  (facts: OriginFacts): OriginProblem;
}

const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '::1']);

/**
 * Refuses requests whose Host is not ours (DNS rebinding: a page at another name that resolves to our address) and requests
 * that a browser sends for a page of an origin that is not listed. An IP literal equal to the address the connection came in
 * on is ours by construction: a rebinding attack needs a name.
 */
export function createOriginCheck(options: { readonly allowedHosts: readonly string[]; readonly boundHost: string; readonly corsOrigins: readonly string[] }): OriginCheck {
  const hosts = new Set([...options.allowedHosts, options.boundHost].map((host) => host.toLowerCase().replace(/^\[(.*)\]$/, '$1')));
  const origins = new Set(options.corsOrigins);
  return function checkOrigin(facts) {
    const name = hostName(facts.host);
    const isOurs = LOOPBACK_NAMES.has(name) || hosts.has(name) || hosts.has(facts.host.toLowerCase())
      || (isIP(name) !== 0 && name === plainAddress(facts.localAddress));
    if (!isOurs) return 'misdirected';
    if (facts.origin !== undefined) return origins.has(facts.origin) ? undefined : 'browser';
    // A browser leaves Origin out of cross-site GET requests without CORS, but not the fetch metadata.
    return facts.secFetchSite === 'cross-site' || facts.secFetchSite === 'same-site' ? 'browser' : undefined;
  };
}

/** The host of a Host field without its port and brackets, in lower case. */
function hostName(host: string): string {
  const lower = host.toLowerCase();
  if (lower.startsWith('[')) return lower.slice(1, lower.indexOf(']'));
  const colon = lower.indexOf(':');
  return colon === -1 ? lower : lower.slice(0, colon);
}

/** An IPv4 address that arrived on a dual-stack socket is written `::ffff:a.b.c.d`. */
function plainAddress(address: string | undefined): string | undefined {
  return address?.startsWith('::ffff:') === true ? address.slice('::ffff:'.length) : address;
}
