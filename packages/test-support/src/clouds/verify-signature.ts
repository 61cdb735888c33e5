import { createHash, createHmac } from 'node:crypto';

/** A request as it arrived. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query as they stood on the wire. */
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly body: Uint8Array;
}

/** Whose signature is expected, and for what. */
export interface SigningKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly region: string;
  readonly service: string;
}

const AUTHORIZATION = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([a-z0-9;_-]+), ?Signature=([0-9a-f]{64})$/;
/** The clock of AWS and the signer's may differ by this. */
const MOST_SKEW_MS = 5 * 60_000;

/**
 * Verifies an AWS signature of version 4 as a service of AWS does, from the bytes that arrived
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html). Shares no code with any signer. Returns what is
 * wrong, or `undefined`.
 */
export function verifySignature(request: SignedRequest, key: SigningKey, now: number = Date.now()): string | undefined {
  const parsed = AUTHORIZATION.exec(header(request, 'authorization') ?? '');
  if (parsed === null) return 'authorization is no signature of version 4';
  const [, accessKeyId = '', day = '', region = '', service = '', signedNames = '', signature] = parsed;
  const names = signedNames.split(';');
  const time = header(request, 'x-amz-date') ?? '';
  const bodyHash = hash(request.body);
  const statedHash = header(request, 'x-amz-content-sha256');
  if (accessKeyId !== key.accessKeyId) return `the access key is ${accessKeyId}`;
  if (region !== key.region || service !== key.service) return `the scope is ${region}/${service}`;
  if (!names.includes('host') || !names.includes('x-amz-date')) return 'host or x-amz-date is not signed';
  if (names.toSorted().join(';') !== signedNames) return 'the signed headers are not sorted';
  if (!time.startsWith(day) || Math.abs(timeOf(time) - now) > MOST_SKEW_MS) return `the date is ${time}`;
  if (statedHash !== undefined && statedHash !== bodyHash) return 'x-amz-content-sha256 is not that of the body';
  if (header(request, 'x-amz-security-token') !== key.sessionToken) return 'the session token is another';
  const unsigned = amzNames(request).find((name) => !names.includes(name));
  if (unsigned !== undefined) return `${unsigned} is not signed`;
  const missing = names.find((name) => header(request, name) === undefined);
  if (missing !== undefined) return `${missing} is signed and did not arrive`;
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', time, scope, hash(canonicalRequest(request, names, signedNames, bodyHash))].join('\n');
  const signingKey = [day, region, service, 'aws4_request'].reduce<string | Uint8Array>((secret, part) => createHmac('sha256', secret).update(part).digest(), `AWS4${key.secretAccessKey}`);
  return createHmac('sha256', signingKey).update(text).digest('hex') === signature ? undefined : 'the signature is another';
}

function canonicalRequest(request: SignedRequest, names: readonly string[], signedNames: string, bodyHash: string): string {
  const [path = '', query = ''] = split(request.url, '?');
  const headers = names.map((name) => `${name}:${(header(request, name) ?? '').trim().replace(/ +/g, ' ')}\n`).join('');
  return [request.method, path.split('/').map(encode).join('/'), canonicalQuery(query), headers, signedNames, bodyHash].join('\n');
}

function canonicalQuery(query: string): string {
  const pairs = query === '' ? [] : query.split('&').map((pair) => split(pair, '=').map((part) => encode(decodeURIComponent(part))).join('='));
  return pairs.map((pair) => (pair.includes('=') ? pair : `${pair}=`)).toSorted().join('&');
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

function header({ rawHeaders }: SignedRequest, name: string): string | undefined {
  const values = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
  return values.length === 0 ? undefined : values.join(',');
}

function amzNames({ rawHeaders }: SignedRequest): string[] {
  return rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase().startsWith('x-amz-')).map((name) => name.toLowerCase());
}

function timeOf(basic: string): number {
  return Date.parse(basic.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

function hash(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function split(text: string, separator: string): string[] {
  const index = text.indexOf(separator);
  return index === -1 ? [text] : [text.slice(0, index), text.slice(index + 1)];
}
