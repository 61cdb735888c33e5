import { Agent } from 'node:https';
import { getCACertificates } from 'node:tls';
import { CloudCredentialError } from '../cloud-credential-error.ts';

/** The way to token servers. */
export interface TokenNetwork {
  /** An egress proxy, as an `http://` or `https://` URL. Absent: none, but for those that a library of Google reads in the environment. */
  readonly proxy?: string | undefined;
  /** PEM of authorities that are trusted beside those of Node. */
  readonly ca?: string | undefined;
}

/** Addresses of this machine and of its metadata server; they are never asked through a proxy. */
const LOCAL = 'localhost,127.0.0.1,::1,169.254.0.0-169.254.255.255,metadata.google.internal';

/**
 * What connects to token servers by TLS; `undefined` where nothing is configured, and the libraries use their own. Metadata servers are asked by plain HTTP,
 * which does not come here: they are never reached through the proxy.
 *
 * @throws CloudCredentialError `invalid_option`
 */
export function createTokenAgent({ proxy, ca }: TokenNetwork): Agent | undefined {
  if (proxy === undefined && ca === undefined) return undefined;
  if (proxy !== undefined && !/^https?:$/.test(URL.parse(proxy)?.protocol ?? '')) throw new CloudCredentialError('invalid_option', 'network.proxy must be an http:// or https:// URL');
  return new Agent({
    rejectUnauthorized: true, minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }),
    ...(proxy === undefined ? {} : { proxyEnv: { HTTPS_PROXY: proxy, NO_PROXY: LOCAL } }),
  });
}
