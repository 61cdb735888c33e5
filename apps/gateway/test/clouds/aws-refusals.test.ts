import { wholeResponse } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { ask, jsonAnswer, SERVED, startAnswering, startGroupGateway } from '../native/two-upstreams.ts';
import { MESSAGE, post, startClouds } from './cloud-gateway.ts';

const AWS = { aws: { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' } };
const INVOKE = '/bedrock/model/us.anthropic.claude-x-v1:0/invoke';
const OF_CREDENTIALS = [
  'ExpiredTokenException', 'UnrecognizedClientException', 'InvalidClientTokenId', 'InvalidSignatureException', 'SignatureDoesNotMatch', 'IncompleteSignature', 'IncompleteSignatureException',
  'MissingAuthenticationToken', 'MissingAuthenticationTokenException', 'ExpiredTokenException:http://internal.amazon.com/coral/com.amazon.coral.service/',
  'com.amazon.coral.service#UnrecognizedClientException',
];
const OF_REQUESTS = ['AccessDeniedException', 'AccessDeniedException:http://internal.amazon.com/coral/com.amazon.bedrock/', 'OptInRequired'];
const refusal = (error: string): (() => Buffer) => jsonAnswer(403, '{"message":"refused"}', ['X-Amzn-ErrorType', error]);
const mantle = (origin: string, credential: object): object => ({ name: 'm', kind: 'bedrock_mantle', base_url: origin, region: 'us-east-1', credential });

describe('a 403 of an upstream that takes signed requests', () => {
  test('which names the credential is a refusal of it, however lately a request succeeded', async () => {
    await using cloud = await startAnswering();
    await using gateway = await startGroupGateway([mantle(cloud.origin, AWS)], { upstream_auth_errors: 'explain' });
    for (const error of OF_CREDENTIALS) {
      cloud.answer = SERVED;
      expect((await ask(gateway)).status).toBe(200);
      cloud.answer = refusal(error);
      const refused = await ask(gateway);
      expect([error, refused.status, refused.headers.get('x-penstock-error')]).toEqual([error, 502, 'upstream_credential']);
    }
    await gateway.recorded(2 * OF_CREDENTIALS.length);
    expect(gateway.upstreams()[0]).toMatchObject({ trouble: { cause: 'credential_refused' } });
  });

  test('which names another error is the answer to its request, also where none succeeded before', async () => {
    await using cloud = await startAnswering();
    await using gateway = await startGroupGateway([mantle(cloud.origin, AWS)], { upstream_auth_errors: 'explain' });
    for (const error of OF_REQUESTS) {
      cloud.answer = refusal(error);
      const refused = await ask(gateway);
      expect([error, refused.status, await refused.text()]).toEqual([error, 403, '{"message":"refused"}']);
    }
    expect((await gateway.recorded(OF_REQUESTS.length)).map(({ outcome }) => outcome)).toEqual(OF_REQUESTS.map(() => 'upstream_error'));
    expect(gateway.upstreams()[0]).toMatchObject({ trouble: undefined });
  });

  test('which goes on to another upstream is booked alike', async () => {
    await using cloud = await startAnswering(refusal('AccessDeniedException'));
    await using plain = await startAnswering();
    await using gateway = await startGroupGateway([mantle(cloud.origin, AWS), { name: 'a', base_url: plain.origin, credential: { api_key: 'sk-ant-of-a' }, tier: 1 }]);
    expect((await ask(gateway)).status).toBe(200);
    expect((await gateway.recorded(1))[0]).toMatchObject({ upstream: 'a', failovers: ['m:status_403'] });
    expect(gateway.upstreams()[0]).toMatchObject({ name: 'm', trouble: undefined });
    cloud.answer = refusal('ExpiredTokenException');
    expect((await ask(gateway, { body: { model: 'claude-y', max_tokens: 9, messages: [] } })).status).toBe(200);
    await gateway.recorded(2);
    expect(gateway.upstreams()[0]).toMatchObject({ name: 'm', trouble: { cause: 'credential_refused' } });
  });

  test('which names no error is a refusal of the credential while nothing succeeded for a minute', async () => {
    await using cloud = await startAnswering(jsonAnswer(403, '{}'));
    await using gateway = await startGroupGateway([mantle(cloud.origin, AWS)], { upstream_auth_errors: 'explain' });
    expect((await ask(gateway)).status).toBe(502);
    cloud.answer = SERVED;
    expect((await ask(gateway)).status).toBe(200);
    cloud.answer = jsonAnswer(403, '{}');
    expect((await ask(gateway)).status).toBe(403);
  });
});

describe('a 403 of Bedrock on its own side', () => {
  const answers = (errors: readonly string[]): (() => Buffer) => {
    const left = [...errors];
    return () => {
      const error = left.shift() ?? '';
      return error === '' ? wholeResponse(200, ['content-type', 'application/json'], MESSAGE) : wholeResponse(403, ['content-type', 'application/json', 'x-amzn-errortype', error], '{"message":"refused"}');
    };
  };

  test.each([
    ['signed', AWS, ['AccessDeniedException', '', 'ExpiredTokenException', '', 'AccessDeniedException'], [403, 200, 502, 200, 403]],
    // A bad API key is an AccessDeniedException, too: without a recent success that is what it is taken for.
    ['with a bearer', { bearer: 'bedrock-api-key' }, ['AccessDeniedException', '', 'ExpiredTokenException', '', 'AccessDeniedException'], [502, 200, 502, 200, 403]],
  ])('%s is judged by the error that it names', async (_what, credential, errors, statuses) => {
    await using pair = await startClouds(answers(errors), { bedrock: { credential } });
    const seen: number[] = [];
    for (let count = 0; count < errors.length; count++) {
      const response = await post(pair.gateway, INVOKE);
      await response.text();
      seen.push(response.status);
    }
    expect(seen).toEqual(statuses);
  });
});
