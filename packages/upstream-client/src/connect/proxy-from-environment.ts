import { BlockList, isIP } from 'node:net';
import { describeWrongOption } from '@penstock/option-names';
import { UpstreamOptionError } from '../upstream-option-error.ts';

/** The variables that matter, in the order they are tried; `HTTP_PROXY` in capitals is left out because a CGI host lets clients set it (httpoxy). */
const PROXY_VARIABLES: Readonly<Record<string, readonly string[]>> = {
  'https:': ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'],
  'http:': ['http_proxy', 'all_proxy', 'ALL_PROXY'],
};

function bareHost(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function isInNetwork(host: string, network: string): boolean {
  const [base = '', bits = ''] = network.split('/');
  const family = isIP(host);
  if (family === 0 || isIP(base) !== family || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(base, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  return list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

/** Splits `host:port`, `[address]:port`, `host` or a bare IPv6 address. */
function splitPort(entry: string): { readonly host: string; readonly port: string } {
  const matched = isIP(entry) === 6 ? null : /^(.*):(\d+)$/.exec(entry);
  return matched === null ? { host: bareHost(entry), port: '' } : { host: bareHost(matched[1] ?? ''), port: matched[2] ?? '' };
}

function isExcepted(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isInNetwork(host, entry);
  const rule = splitPort(entry);
  if (rule.port !== '' && rule.port !== port) return false;
  const name = rule.host.replace(/^\*?\./, '');
  return name !== '' && (host === name || (isIP(host) === 0 && host.endsWith(`.${name}`)));
}

/**
 * Reads which proxy the environment names for an origin, or `undefined` for none.
 *
 * `HTTPS_PROXY`, `ALL_PROXY` and, for an `http:` origin, `http_proxy`; small letters win. `NO_PROXY` is a list of names
 * (each with its subdomains), addresses, networks like `10.0.0.0/8`, any of them with a port, or `*`. A loopback origin
 * never has a proxy. Pure: the caller passes the environment.
 *
 * @throws UpstreamOptionError when `origin` is no URL, and when the variable that applies is not an `http:` or `https:` URL; the value is not repeated, it may hold a password.
 */
export function proxyFromEnvironment(environment: Readonly<Record<string, string | undefined>>, origin: string | URL): URL | undefined {
  const wrong = describeWrongOption({ environment }, { environment: 'object' });
  if (wrong !== undefined) throw new UpstreamOptionError('invalid_option', wrong);
  const url = URL.parse(String(origin));
  if (url === null) throw new UpstreamOptionError('invalid_option', 'origin must be a URL');
  const name = (PROXY_VARIABLES[url.protocol] ?? []).find((variable) => (environment[variable] ?? '').trim() !== '');
  if (name === undefined) return undefined;
  const host = bareHost(url.hostname);
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  if (isLoopback(host)) return undefined;
  const exceptions = (environment['no_proxy'] ?? environment['NO_PROXY'] ?? '').toLowerCase().split(/[\s,]+/);
  if (exceptions.some((entry) => entry !== '' && isExcepted(entry, host, port))) return undefined;
  const value = (environment[name] ?? '').trim();
  return resolveProxy(value.includes('://') ? value : `http://${value}`, name);
}

/** Checks a proxy URL; throws an `UpstreamOptionError` that names `label` and never the value. */
export function resolveProxy(value: string | URL, label = 'proxy'): URL {
  const proxy = URL.parse(String(value));
  if (proxy === null || (proxy.protocol !== 'http:' && proxy.protocol !== 'https:') || proxy.hostname === '') {
    throw new UpstreamOptionError('invalid_option', `${label} must be an http: or https: URL, received ${proxy === null ? 'something that is no URL' : proxy.protocol}`);
  }
  return proxy;
}
