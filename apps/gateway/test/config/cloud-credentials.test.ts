import { describe, expect, test } from 'vitest';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';

/** The same credential of AWS in its two places: of an upstream of the native side, and of the side that speaks Bedrock's format. */
const PLACES: Readonly<Record<string, (aws: object) => object>> = {
  'anthropic_native.upstreams': (aws) => ({ anthropic_native: { upstreams: [{ name: 'm', kind: 'bedrock_mantle', region: 'us-east-1', credential: { aws } }] } }),
  bedrock: (aws) => ({ bedrock: { region: 'us-east-1', credential: { aws } } }),
};
const KEYS = { access_key_id: 'AKID', secret_access_key: 'secret' };
const ROLE = 'arn:aws:iam::123456789012:role/path/r';

/** The messages of what is wrong with it, by its place within `aws`. */
function mistakes(place: string, aws: object): readonly string[] {
  const parsed = gatewayConfigSchema.safeParse(PLACES[place]?.(aws));
  return parsed.error?.issues.map(({ path, message }) => `${path.slice(path.indexOf('aws') + 1).join('.')}: ${message}`) ?? [];
}

describe.each(Object.keys(PLACES))('the keys of AWS in %s', (place) => {
  test.each([
    ['the standard chain', {}], ['a profile', { profile: 'p' }], ['a role', { role_arn: ROLE }], ['a role of a profile, with an external id', { profile: 'p', role_arn: ROLE, external_id: 'e' }],
    ['keys', KEYS], ['temporary keys', { ...KEYS, session_token: 't' }],
  ])('may be %s', (_what, aws) => {
    expect(mistakes(place, aws)).toEqual([]);
  });

  test.each([
    ['half of a pair', { access_key_id: 'AKID' }, /^: an object with access_key_id and secret_access_key/], ['a token without its keys', { session_token: 't' }, /session_token only with the keys/],
    ['keys beside a profile', { ...KEYS, profile: 'p' }, /keys without profile and role_arn/], ['keys beside a role', { ...KEYS, role_arn: ROLE }, /keys without profile and role_arn/],
    ['an external id without a role', { external_id: 'e' }, /external_id only with role_arn/], ['a role that is no ARN of one', { role_arn: 'arn:aws:iam::1:user/u' }, /^role_arn: the ARN of a role/],
    ['a profile of two lines', { profile: 'p\nq' }, /^profile: the name of a profile/],
  ])('may not be %s', (_what, aws, expected) => {
    expect(mistakes(place, aws)).toEqual([expect.stringMatching(expected)]);
  });
});

test('a cloud in its own format takes one credential, and none of another cloud', () => {
  const isSound = (document: object): boolean => gatewayConfigSchema.safeParse(document).success;
  const bedrock = (credential: object): boolean => isSound({ bedrock: { region: 'us-east-1', credential } });
  const vertex = (credential: object): boolean => isSound({ vertex: { project_id: 'p1', location: 'global', credential } });
  expect([bedrock({}), bedrock({ bearer: 'b' }), bedrock({ bearer_command: ['/bin/x'] }), vertex({}), vertex({ google: {} }), vertex({ google: { credentials_file: '/x' } })]).toEqual([true, true, true, true, true, true]);
  expect([bedrock({ bearer: 'b', aws: {} }), bedrock({ google: {} }), bedrock({ api_key: 'k' }), bedrock({ bearer_command: ['x'] }), vertex({ aws: {} }), vertex({ entra: {} }), vertex({ google: { credentials_file: 'x' } })]).toEqual([false, false, false, false, false, false, false]);
});
