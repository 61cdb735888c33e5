import { fieldValues, verifySignature, type WireMessage } from '@penstock/test-support';

/** The scope and the signed fields of a request whose signature is right for the bytes that arrived. */
export interface Signed {
  readonly keyId: string;
  readonly scope: string;
  readonly signedFields: readonly string[];
}

/** Reads what a request says of its signature, whatever key and scope that is of, and has it verified. Throws where it is not that of the secret. */
export function signatureOf(request: WireMessage, secret: string): Signed {
  const [authorization = ''] = fieldValues(request.rawHeaders, 'authorization');
  const [, keyId = '', day = '', region = '', service = '', names = ''] = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), /.exec(authorization) ?? [];
  const [sessionToken] = fieldValues(request.rawHeaders, 'x-amz-security-token');
  const [method = '', url = ''] = request.startLine.split(' ');
  const key = { accessKeyId: keyId, secretAccessKey: secret, region, service, ...(sessionToken === undefined ? {} : { sessionToken }) };
  const problem = verifySignature({ method, url, rawHeaders: request.rawHeaders, body: request.body }, key);
  if (problem !== undefined) throw new Error(`${problem} (${day}): ${authorization}`);
  return { keyId, scope: `${region}/${service}/aws4_request`, signedFields: names.split(';') };
}
