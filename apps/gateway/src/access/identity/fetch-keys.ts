import type { JWK } from 'jose';
import { isLoopbackHost } from '../../config/loopback.ts';
import type { IssuerConfig } from '../../config/sections/identity-section.ts';
import { GuardedFetchError } from './guarded-messages.ts';
import { guardedFetch } from './guarded-fetch.ts';

/** Milliseconds for each of the two documents. */
const TIMEOUT_MS = 5_000;
/** Bytes of each. */
const MAX_BYTES = 256 * 1024;
const MAX_KEYS = 100;

/** Where the keys of an issuer are, and how to get there. */
export type KeySource = Pick<IssuerConfig, 'issuer' | 'jwks_uri' | 'ca' | 'proxy'>;

/** A document of an issuer that is not what it must be. */
export class IssuerDocumentError extends Error {
  override readonly name = 'IssuerDocumentError';
}

/**
 * Fetches the public keys of an issuer (RFC 7517), by its discovery document (OpenID Connect Discovery 1.0 section 4) unless the
 * configuration names them. Rejects with a `GuardedFetchError` or an `IssuerDocumentError`.
 */
export async function fetchKeys(issuer: KeySource): Promise<readonly JWK[]> {
  const url = issuer.jwks_uri === undefined ? await discover(issuer) : new URL(issuer.jwks_uri);
  const { keys } = await fetchObject(url, issuer);
  if (!Array.isArray(keys) || keys.length > MAX_KEYS) throw new IssuerDocumentError('the issuer\'s keys are no list of keys');
  const usable = (keys as readonly unknown[]).filter(isPublicKey);
  if (usable.length === 0) throw new IssuerDocumentError('the issuer has no public key');
  return usable;
}

async function discover(source: KeySource): Promise<URL> {
  const { issuer } = source;
  const document = await fetchObject(new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`), source);
  // Section 4.3: it must be the document of this issuer.
  if (document['issuer'] !== issuer) throw new IssuerDocumentError('the discovery document names another issuer');
  const url = typeof document['jwks_uri'] === 'string' ? URL.parse(document['jwks_uri']) : null;
  if (url === null) throw new IssuerDocumentError('the discovery document names no keys');
  if (isLoopbackHost(url.hostname) && !isLoopbackHost(new URL(issuer).hostname)) throw new GuardedFetchError('address');
  return url;
}

async function fetchObject(url: URL, { ca, proxy }: KeySource): Promise<Readonly<Record<string, unknown>>> {
  const { status, body } = await guardedFetch(url, { ca, proxy, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES });
  if (status !== 200) throw new IssuerDocumentError(`the issuer answered ${status}`);
  const document = parse(body.toString('utf8'));
  if (typeof document !== 'object' || document === null || Array.isArray(document)) throw new IssuerDocumentError('the issuer\'s document is no JSON object');
  return document as Readonly<Record<string, unknown>>;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Whether something is a public key to verify with. A symmetric one would be a published secret. */
function isPublicKey(key: unknown): key is JWK {
  if (typeof key !== 'object' || key === null) return false;
  const { kty, use } = key as JWK;
  return (kty === 'RSA' || kty === 'EC' || kty === 'OKP') && (use === undefined || use === 'sig');
}
