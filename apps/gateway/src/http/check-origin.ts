import { isIP } from 'node:net';

/** The facts of a request that say whether it was meant for this listener and may have come from a browser. */
export interface OriginFacts {
  /** The Host field, validated. */
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

const DOT = 0x2e;
const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '::1']);

/**
 * Refuses requests whose Host is not ours (DNS rebinding: a page at another name that resolves to our address) and requests
 * that a browser sends for a page of an origin that is not listed. An IP literal equal to the address the connection came in
 * on is ours by construction: a rebinding attack needs a name.
 */
export function createOriginCheck(options: { readonly allowedHosts: readonly string[]; readonly boundHost: string; readonly corsOrigins: readonly string[] }): OriginCheck {
  const hosts = new Set([...options.allowedHosts, options.boundHost].map((host) => withoutRootDot(host.toLowerCase()).replace(/^\[(.*)\]$/, '$1')));
  const origins = new Set(options.corsOrigins);
  // The Host that was ours last, at whatever address: nearly every request has the same.
  let lastNamed: string | undefined;

  function isOurs({ host: field, localAddress }: OriginFacts): boolean {
    if (field === lastNamed) return true;
    const host = withoutRootDot(field.toLowerCase());
    const name = hostName(host);
    if (LOOPBACK_NAMES.has(name) || hosts.has(name) || hosts.has(host)) {
      lastNamed = field;
      return true;
    }
    return isIP(name) !== 0 && name === plainAddress(localAddress);
  }

  return function checkOrigin(facts) {
    if (!isOurs(facts)) return 'misdirected';
    if (facts.origin !== undefined) return origins.has(facts.origin) ? undefined : 'browser';
    // A browser leaves Origin out of cross-site GET requests without CORS, but not the fetch metadata.
    return facts.secFetchSite === 'cross-site' || facts.secFetchSite === 'same-site' ? 'browser' : undefined;
  };
}

/** An absolute name ends in the dot of the root (RFC 3986 section 3.2.2): the same host. */
function withoutRootDot(host: string): string {
  const colon = host.lastIndexOf(':');
  const end = colon === -1 || host.endsWith(']') ? host.length : colon;
  return host.charCodeAt(end - 1) === DOT ? host.slice(0, end - 1) + host.slice(end) : host;
}

/** The host of a Host field without its port and brackets. */
function hostName(host: string): string {
  if (host.startsWith('[')) return host.slice(1, host.indexOf(']'));
  const colon = host.indexOf(':');
  return colon === -1 ? host : host.slice(0, colon);
}

/** An IPv4 address that arrived on a dual-stack socket is written `::ffff:a.b.c.d`. */
function plainAddress(address: string | undefined): string | undefined {
  return address?.startsWith('::ffff:') === true ? address.slice('::ffff:'.length) : address;
}
