import { Agent } from 'node:https';
import nodeTls from 'node:tls';
import { checkOptions } from '../check-options.ts';
import { CloudCredentialError } from '../cloud-credential-error.ts';
import { AgentByServer } from './agent-by-server.ts';

/** The way to token servers. */
export interface TokenNetwork {
  /**
   * An egress proxy, as an `http://` or `https://` URL, or what names one for the URL of a server, or none. Absent: none, but for those that a library of Google reads in
   * the environment.
   */
  readonly proxy?: string | ((server: URL) => string | undefined) | undefined;
  /** PEM of authorities that are trusted beside those of Node. */
  readonly ca?: string | undefined;
}

/** Addresses of this machine and of its metadata server; they are never asked through a proxy. */
const LOCAL = 'localhost,127.0.0.1,::1,169.254.0.0-169.254.255.255,metadata.google.internal';

/**
 * What connects to token servers by TLS; `undefined` where nothing is configured, and the libraries use their own. Metadata servers are asked by plain HTTP,
 * which does not come here: they are never reached through the proxy.
 *
 * @throws CloudCredentialError `unknown_option` or `invalid_option`
 */
export function createTokenAgent(network: TokenNetwork): Agent | undefined {
  const { proxy, ca } = network;
  checkOptions(network, { proxy: typeof proxy === 'function' ? 'function' : 'string?', ca: 'string?' }, 'network.');
  if (proxy === undefined && ca === undefined) return undefined;
  const trust = { rejectUnauthorized: true, minVersion: 'TLSv1.2' as const, ...(ca === undefined ? {} : { ca: [...nodeTls.getCACertificates('default'), ca] }) };
  const through = (url: string | undefined): Agent => new Agent({ ...trust, ...(url === undefined ? {} : { proxyEnv: { HTTPS_PROXY: checkProxy(url), NO_PROXY: LOCAL } }) });
  return typeof proxy === 'function' ? new AgentByServer(trust, (server) => through(proxy(server))) : through(proxy);
}

function checkProxy(url: string): string {
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) throw new CloudCredentialError('invalid_option', 'network.proxy must be an http:// or https:// URL');
  return url;
}
