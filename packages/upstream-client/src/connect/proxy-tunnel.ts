import { Buffer } from 'node:buffer';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Socket } from 'node:net';
import type { TlsOptions } from '../options.ts';
import { tlsConnectOptions } from './tls-connect-options.ts';

/** A failure on the way to, or by, the egress proxy. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code = 'ERR_PENSTOCK_PROXY';
}

/** A tunnel being opened; `destroy` gives it up. */
export interface TunnelAttempt {
  destroy(error?: Error): void;
}

/** The value of `Proxy-Authorization` for the user info of a proxy URL (RFC 7617). */
function basicCredentials(proxy: URL): string | undefined {
  if (proxy.username === '' && proxy.password === '') return undefined;
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/**
 * Opens a CONNECT tunnel to `authority` (host and port) through `proxy` (RFC 9110 section 9.3.6).
 *
 * The proxy sees a host name and encrypted bytes: for an `https:` origin the TLS handshake goes through the tunnel, so
 * verification is end to end and no header passes the proxy's hands.
 */
export function openTunnel(proxy: URL, authority: string, tls: TlsOptions, callback: (error: Error | null, socket?: Socket) => void): TunnelAttempt {
  const credentials = basicCredentials(proxy);
  const options = {
    host: proxy.hostname.startsWith('[') ? proxy.hostname.slice(1, -1) : proxy.hostname,
    port: proxy.port === '' ? (proxy.protocol === 'https:' ? 443 : 80) : Number(proxy.port),
    method: 'CONNECT',
    path: authority,
    agent: false as const,
    headers: { host: authority, ...(credentials === undefined ? {} : { 'proxy-authorization': credentials }) },
  };
  const attempt = proxy.protocol === 'https:' ? requestHttps({ ...options, ...tlsConnectOptions(tls, undefined) }) : requestHttp(options);
  attempt.once('connect', (response, socket, head) => {
    if (response.statusCode !== 200 || head.byteLength > 0) {
      socket.destroy();
      callback(new ProxyError(response.statusCode === 200 ? 'the proxy sent bytes of its own into the tunnel' : `the proxy answered ${response.statusCode}`));
      return;
    }
    socket.setNoDelay(true);
    callback(null, socket);
  });
  attempt.once('error', (error) => { callback(new ProxyError('no tunnel through the proxy', { cause: error })); });
  attempt.end();
  return attempt;
}
