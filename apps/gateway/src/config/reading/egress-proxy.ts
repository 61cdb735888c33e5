import { isLoopbackHost, withoutBrackets } from '../loopback.ts';
import type { Environment } from './overrides.ts';

/** The proxy that `HTTPS_PROXY` and `NO_PROXY` (in either case) name for a URL; only `https:` hosts other than loopback are proxied. */
export function proxyFromEnvironment(target: string, environment: Environment): string | undefined {
  const url = URL.parse(target);
  if (url === null || url.protocol !== 'https:' || isLoopbackHost(url.hostname)) return undefined;
  // The lower-case spelling wins, as in curl.
  const proxy = (environment['https_proxy'] || environment['HTTPS_PROXY'] || '').trim();
  if (proxy === '' || isExcluded(url, environment['no_proxy'] || environment['NO_PROXY'] || '')) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

/** `NO_PROXY`: names (with everything under them), `.suffix`, `*.suffix`, `name:port` or `*`, separated by commas or spaces. */
function isExcluded(url: URL, list: string): boolean {
  const host = withoutBrackets(url.hostname).toLowerCase();
  const port = url.port === '' ? '443' : url.port;
  return list.toLowerCase().split(/[\s,]+/).some((entry) => {
    if (entry === '*') return true;
    const [, name = '', entryPort] = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(entry) ?? [];
    if (name === '' || (entryPort !== undefined && entryPort !== port)) return false;
    const suffix = name.replace(/^\*?\./, '');
    return host === suffix || host.endsWith(`.${suffix}`);
  });
}
