import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { CloudCredentialError } from '../cloud-credential-error.ts';
import type { RequestToSign } from '../cloud-credential.ts';

/** Fields that carry a signature, or that only a signature may carry; in lower case. What a client sent of them must not go with one. */
export const SIGNATURE_FIELDS: ReadonlySet<string> = new Set([
  'authorization', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256', 'x-amz-algorithm', 'x-amz-credential', 'x-amz-signature', 'x-amz-signedheaders', 'x-amz-expires',
  'x-amz-region-set', 'x-amz-s3session-token',
]);

const ASCII = /^[\x20-\x7e\t]*$/;

/**
 * The fields that a signature covers: what the cloud acts on, and nothing that proxies on the way add, change or remove. A field of several lines is one
 * field with commas (RFC 9110 section 5.3). A value with other bytes than ASCII is not covered, since there is no agreement on what its text is.
 */
export function signedFields(headers: readonly string[]): Record<string, string> {
  const signed: Record<string, string> = {};
  const left = new Set<string>();
  for (let index = 0; index < headers.length; index += 2) {
    const name = (headers[index] as string).toLowerCase();
    const value = headers[index + 1] as string;
    if (!isSigned(name)) continue;
    if (!ASCII.test(value)) left.add(name);
    signed[name] = signed[name] === undefined ? value.trim() : `${signed[name]},${value.trim()}`;
  }
  for (const name of left) delete signed[name];
  return signed;
}

function isSigned(name: string): boolean {
  return name === 'content-type' || name.startsWith('anthropic-') || (name.startsWith('x-amz') && !SIGNATURE_FIELDS.has(name));
}

/** The digest of a body, in hexadecimal digits. */
export function bodyDigest(body: RequestToSign['body']): string {
  const hash = createHash('sha256');
  for (const chunk of body ?? []) hash.update(chunk);
  return hash.digest('hex');
}

/** The query by its names and values, decoded. Throws `invalid_request` where it cannot be decoded. */
export function readQuery(search: string): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  for (const pair of search.replace(/^\?/, '').split('&')) {
    if (pair === '') continue;
    const [name = '', ...rest] = pair.split('=');
    const key = decode(name);
    const value = decode(rest.join('='));
    const known = query[key];
    query[key] = known === undefined ? value : [known, value].flat();
  }
  return query;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new CloudCredentialError('invalid_request', 'a query that is not percent-encoded UTF-8 cannot be signed');
  }
}

/** SHA-256 as the library asks for it, of Node itself. */
export class Sha256 {
  readonly #create: () => Hash | Hmac;
  #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#create = () => (secret === undefined ? createHash('sha256') : createHmac('sha256', toBytes(secret)));
    this.#hash = this.#create();
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(toBytes(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  reset(): void {
    this.#hash = this.#create();
  }
}

function toBytes(data: string | ArrayBuffer | ArrayBufferView): string | Uint8Array {
  if (typeof data === 'string') return data;
  return data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
