import { createHash, createHmac } from 'node:crypto';
import { fieldValues, type WireMessage } from '@penstock/test-support';

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest();
/** Percent-encoding as AWS defines it, over what is encoded already. */
const encode = (text: string): string => encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

/** The scope and the signed fields of a request whose signature is right for the bytes that arrived. */
export interface Signed {
  readonly keyId: string;
  readonly scope: string;
  readonly signedFields: readonly string[];
}

/**
 * Verifies AWS Signature Version 4 as the receiver does, from the bytes of a request (docs.aws.amazon.com, "Create a signed AWS API request"). Throws
 * where the signature is not that of the secret. Queries of tests are in order and need no decoding.
 */
export function verifySignature(request: WireMessage, secret: string): Signed {
  const one = (name: string): string => fieldValues(request.rawHeaders, name).map((value) => value.trim()).join(',');
  const match = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8}\/[^/]+\/[^/]+\/aws4_request), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(one('authorization'));
  if (match === null) throw new Error(`no signature: ${one('authorization')}`);
  const [, keyId = '', scope = '', names = '', signature = ''] = match;
  const bodyDigest = sha256(request.body);
  if (one('x-amz-content-sha256') !== bodyDigest) throw new Error('the digest is not that of the body');
  const [method = '', target = ''] = request.startLine.split(' ');
  const [path = '', query = ''] = target.split('?');
  const fields = names.split(';').map((name) => `${name}:${one(name)}\n`).join('');
  const canonical = [method, path.split('/').map(encode).join('/'), query, fields, names, bodyDigest].join('\n');
  const key = scope.split('/').reduce((last: Buffer | string, part) => hmac(last, part), `AWS4${secret}`);
  const expected = hmac(key, ['AWS4-HMAC-SHA256', one('x-amz-date'), scope, sha256(canonical)].join('\n')).toString('hex');
  if (signature !== expected) throw new Error(`the signature is not that of the secret, for\n${canonical}`);
  return { keyId, scope: scope.slice(9), signedFields: names.split(';') };
}
