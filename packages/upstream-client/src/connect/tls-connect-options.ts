import { Buffer } from 'node:buffer';
import nodeTls, { type SecureVersion } from 'node:tls';
import type { TlsOptions } from '../options.ts';

/** What every TLS connection to the upstream is made with. */
export interface TlsSettings {
  readonly rejectUnauthorized: true;
  readonly minVersion: SecureVersion;
  readonly servername?: string;
  readonly ca?: (string | Buffer)[];
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

function pem(value: string | Uint8Array): string | Buffer {
  return typeof value === 'string' ? value : Buffer.from(value);
}

/** Node's `ca` option replaces the system's authorities; ours adds to them. */
function certificateAuthorities(ca: NonNullable<TlsOptions['ca']>): (string | Buffer)[] {
  const added = typeof ca === 'string' || ca instanceof Uint8Array ? [ca] : ca;
  return [...nodeTls.getCACertificates('default'), ...added.map(pem)];
}

/** The TLS settings of every connection, `rejectUnauthorized` spelled out so that no environment variable can switch it off. */
export function tlsConnectOptions(tls: TlsOptions, servername: string | undefined): TlsSettings {
  return {
    rejectUnauthorized: true,
    minVersion: tls.minVersion ?? 'TLSv1.2',
    ...(servername === undefined ? {} : { servername }),
    ...(tls.ca === undefined ? {} : { ca: certificateAuthorities(tls.ca) }),
    ...(tls.cert === undefined ? {} : { cert: pem(tls.cert) }),
    ...(tls.key === undefined ? {} : { key: pem(tls.key) }),
  };
}
