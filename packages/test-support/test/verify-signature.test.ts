import { expect, test } from 'vitest';
import { startCloudStub, startScriptedUpstream, verifySignature, wholeResponse, type SignedRequest, type SigningKey } from '../src/index.ts';

/** Keys and requests of the test suite that AWS published for signatures of version 4. */
const KEY: SigningKey = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', region: 'us-east-1', service: 'service' };
const NOW = Date.parse('2015-08-30T12:36:00Z');
const VANILLA: SignedRequest = {
  method: 'GET', url: '/', body: Buffer.alloc(0),
  rawHeaders: [
    'Host', 'example.amazonaws.com', 'X-Amz-Date', '20150830T123600Z',
    'Authorization', 'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  ],
};

const withHeaders = (...more: string[]): SignedRequest => ({ ...VANILLA, rawHeaders: [...VANILLA.rawHeaders, ...more] });
const replaced = (from: string, to: string): SignedRequest => ({ ...VANILLA, rawHeaders: VANILLA.rawHeaders.map((text) => text.replace(from, to)) });

test('a signature that AWS published is verified', () => {
  expect(verifySignature(VANILLA, KEY, NOW)).toBeUndefined();
});

test.each<[string, SignedRequest, Partial<SigningKey>, string]>([
  ['another secret', VANILLA, { secretAccessKey: 'other' }, 'the signature is another'],
  ['another access key', VANILLA, { accessKeyId: 'AKIDOTHER' }, 'the access key is AKIDEXAMPLE'],
  ['another service', VANILLA, { service: 'bedrock' }, 'the scope is us-east-1/service'],
  ['a missing session token', VANILLA, { sessionToken: 'x' }, 'the session token is another'],
  ['another method', { ...VANILLA, method: 'POST' }, {}, 'the signature is another'],
  ['another path', { ...VANILLA, url: '/a' }, {}, 'the signature is another'],
  ['another query', { ...VANILLA, url: '/?a=b' }, {}, 'the signature is another'],
  ['another body', { ...VANILLA, body: Buffer.from('x') }, {}, 'the signature is another'],
  ['a signed header that was changed', replaced('example.amazonaws.com', 'example.com'), {}, 'the signature is another'],
  ['a header of AWS that is not signed', withHeaders('x-amz-target', 'x'), {}, 'x-amz-target is not signed'],
  ['a hash of another body', withHeaders('x-amz-content-sha256', '00'), {}, 'x-amz-content-sha256 is not that of the body'],
  ['a signed header that did not arrive', replaced('SignedHeaders=host;', 'SignedHeaders=accept;host;'), {}, 'accept is signed and did not arrive'],
  ['another date', replaced('20150830T123600Z', '20150830T124200Z'), {}, 'the date is 20150830T124200Z'],
  ['a bearer', replaced('AWS4-HMAC-SHA256', 'Bearer'), {}, 'authorization is no signature of version 4'],
])('%s is refused', (_, request, key, problem) => {
  expect(verifySignature(request, { ...KEY, ...key }, NOW)).toBe(problem);
});

test('the stub of a cloud passes a request with a good credential on as it came, and answers 403 to any other', async () => {
  await using upstream = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    connection.send(wholeResponse(200, ['X-Odd', 'a', 'x-odd', 'b'], '{}'));
  });
  await using stub = await startCloudStub({ origin: upstream.origin, verify: ({ rawHeaders }) => (rawHeaders.includes('good') ? undefined : 'no credential') });
  const ask = async (credential: string): Promise<[number, string | null]> => {
    const response = await fetch(`${stub.origin}/a%2Fb?x=%20`, { method: 'POST', headers: { 'x-credential': credential }, body: 'body' });
    await response.text();
    return [response.status, response.headers.get('x-odd')];
  };
  expect([await ask('bad'), await ask('good')]).toEqual([[403, null], [200, 'a, b']]);
  expect(stub.requests.map(({ url, body, problem }) => [url, Buffer.from(body).toString(), problem])).toEqual([['/a%2Fb?x=%20', 'body', 'no credential'], ['/a%2Fb?x=%20', 'body', undefined]]);
});
