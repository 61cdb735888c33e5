import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createAwsCredential, isCloudCredentialError, SIGNATURE_FIELDS, type AwsCredentialOptions } from '../src/index.ts';
import { fieldsOf, type SignedRequest } from './signed-requests.ts';

/** Computed by botocore 1.44.8 with test/slow/sign-with-botocore.py. */
const VECTORS = JSON.parse(readFileSync(new URL('botocore-vectors.json', import.meta.url), 'utf8')) as readonly (SignedRequest & { readonly title: string; readonly fields: Record<string, string> })[];
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const MISTYPED: object = { rolArn: 'x' };
const REQUEST: SignedRequest = { method: 'POST', url: 'https://x.example/v1/messages', headers: [['content-type', 'application/json']], body: 'e30=', keys: KEYS, region: 'us-east-1', service: 'bedrock', at: 1_796_000_000_000 };

describe('AWS Signature Version 4', () => {
  it.each(VECTORS)('is that of botocore for $title', async ({ fields, title: _title, ...request }) => {
    expect(await fieldsOf(request)).toEqual(fields);
  });

  it('covers the fields that the cloud acts on, and none that a proxy changes', async () => {
    const headers: SignedRequest['headers'] = [
      ['Content-Type', 'application/json'], ['anthropic-version', '2023-06-01'], ['x-amzn-bedrock-trace', 'ENABLED'], ['connection', 'keep-alive'], ['transfer-encoding', 'chunked'], ['te', 'trailers'],
      ['via', '1.1 x'], ['user-agent', 'x'], ['accept-encoding', 'gzip'], ['traceparent', 'x'], ['tracestate', 'x'], ['baggage', 'x'], ['content-length', '2'], ['accept', '*/*'],
    ];
    const { authorization = '' } = await fieldsOf({ ...REQUEST, headers });
    expect(/SignedHeaders=([^,]*)/.exec(authorization)?.[1]).toBe('anthropic-version;content-type;host;x-amz-content-sha256;x-amz-date;x-amzn-bedrock-trace');
  });

  it('is not touched by what a client sent of a signature, and each of its own fields is one of those', async () => {
    const headers: SignedRequest['headers'] = [...REQUEST.headers, ...[...SIGNATURE_FIELDS].map((name) => [name.toUpperCase(), 'of the client'] as const)];
    const fields = await fieldsOf({ ...REQUEST, headers });
    expect(fields).toEqual(await fieldsOf(REQUEST));
    for (const name of Object.keys(fields)) expect(SIGNATURE_FIELDS.has(name)).toBe(true);
  });

  it('leaves a field uncovered whose bytes are no ASCII', async () => {
    const { authorization = '' } = await fieldsOf({ ...REQUEST, headers: [['anthropic-beta', 'a'], ['anthropic-beta', 'é'], ['anthropic-version', '1']] });
    expect(/SignedHeaders=([^,]*)/.exec(authorization)?.[1]).toBe('anthropic-version;host;x-amz-content-sha256;x-amz-date');
  });

  it('reads the body before it waits for anything: its memory may be used for something else after that', async () => {
    const body = Buffer.from('{"a":1}');
    const credential = createAwsCredential({ region: 'us-east-1', service: 'bedrock', source: KEYS, now: () => REQUEST.at });
    const pending = credential.fieldsFor({ method: 'POST', url: new URL(REQUEST.url), headers: REQUEST.headers.flat(), body: [body] });
    body.fill(0);
    const expected = await fieldsOf({ ...REQUEST, body: Buffer.from('{"a":1}').toString('base64') });
    expect((await pending)[1]).toBe(expected['authorization']);
  });

  it('refuses a query that cannot be decoded, without quoting it', async () => {
    await expect(fieldsOf({ ...REQUEST, url: 'https://x.example/?a=%ff' })).rejects.toMatchObject({ code: 'invalid_request', message: expect.not.stringContaining('%ff') as unknown });
  });

  it.each<[string, AwsCredentialOptions, string]>([
    ['a region that is none', { region: 'us east', service: 's' }, 'region must be'], ['a service that is none', { region: 'r', service: '' }, 'service must be'],
    ['half of the keys', { region: 'r', service: 's', source: { accessKeyId: 'a' } }, 'given together'], ['keys beside a profile', { region: 'r', service: 's', source: { ...KEYS, profile: 'p' } }, 'without profile'],
    ['an external id without a role', { region: 'r', service: 's', source: { externalId: 'e' } }, 'with roleArn'], ['a mistyped option', { region: 'r', service: 's', source: MISTYPED }, 'did you mean roleArn?'],
    ['a key of two lines', { region: 'r', service: 's', source: { ...KEYS, secretAccessKey: 'a\nb' } }, 'cannot sign'],
  ])('refuses %s when it is made', (_what, options, message) => {
    let thrown: unknown;
    try { createAwsCredential(options); } catch (error) { thrown = error; }
    expect(isCloudCredentialError(thrown)).toBe(true);
    expect(thrown).toMatchObject({ message: expect.stringContaining(message) as unknown });
  });
});
