import { describe, expect, it } from 'vitest';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import { explainsCredential, nativeUpstreams } from '../../src/config/native-upstreams.ts';
import { divideConfig } from '../../src/config/worker-share.ts';
import { frontDoorBackends } from '../../src/config/front-door-backends.ts';
import { attemptLoad, problemsOf } from './config-folder.ts';

const A = { name: 'a', credential: { api_key: 'sk-ant-a' } };
const B = { name: 'b', credential: { bearer: 'token-b' } };
const native = (fields: object): { file: object; environment: Record<string, string> } => ({ file: { anthropic_native: fields }, environment: {} });

describe('anthropic_native.upstreams', () => {
  it('stands in place of base_url and api_key, and needs no other key', () => {
    const { config } = attemptLoad(native({ upstreams: [A, B], pool: { max_connections: 7 } }));
    expect(nativeUpstreams(config).map(({ name, base_url: base, pool, tier, weight, models }) => [name, base, pool.max_connections, tier, weight, models])).toEqual([
      ['a', 'https://api.anthropic.com', 7, 0, 1, ['*']], ['b', 'https://api.anthropic.com', 7, 0, 1, ['*']],
    ]);
  });

  it.each([
    ['one upstream', {}, {}, false],
    ['two upstreams', { upstreams: [A, B] }, {}, true],
    ['one upstream where persons sign in', {}, { sign_in: { public_url: 'https://gateway.example', session_keys: ['k'.repeat(32)], oidc: { issuer: 'https://idp.example', client_id: 'c' } } }, true],
    ['two upstreams and "relay"', { upstreams: [A, B], upstream_auth_errors: 'relay' }, {}, false],
  ])('a refusal of the gateway\'s own credential is explained by default with several upstreams or sign-in: %s', (_what, section, identity, expected) => {
    expect(explainsCredential(gatewayConfigSchema.parse({ anthropic_native: section, identity }))).toBe(expected);
  });

  it('of a cloud goes where its kind, region, resource, project and location lead, unless base_url names another place', () => {
    const { config } = attemptLoad(native({ upstreams: [
      { name: 'p', kind: 'claude_platform_aws', region: 'us-east-1', workspace_id: 'w', credential: { aws: {} } },
      { name: 'm', kind: 'bedrock_mantle', region: 'eu-central-1', credential: { aws: {} } },
      { name: 'f', kind: 'foundry', resource: 'r', credential: { entra: {} } },
      { name: 'g', kind: 'google', base_url: 'https://{location}-x.example/projects/{project_id}', project_id: 'p-1', location: 'global', credential: { google: {} } },
      { name: 'o', kind: 'foundry', resource: 'r', base_url: 'https://other.example', credential: { api_key: 'k' } },
    ] }));
    expect(nativeUpstreams(config).map(({ base_url: base }) => base)).toEqual([
      'https://aws-external-anthropic.us-east-1.api.aws', 'https://bedrock-mantle.eu-central-1.api.aws/anthropic', 'https://r.services.ai.azure.com/anthropic',
      'https://global-x.example/projects/p-1', 'https://other.example',
    ]);
  });

  it('beside base_url or api_key of the file is a problem; those of the environment are not used, with a warning', () => {
    expect(problemsOf(native({ upstreams: [A], base_url: 'https://api.anthropic.com', api_key: 'sk-ant-x' }))).toEqual([
      'anthropic_native.base_url must be absent beside anthropic_native.upstreams, received a value',
      'anthropic_native.api_key must be absent beside anthropic_native.upstreams, received a value',
    ]);
    const loaded = attemptLoad({ ...native({ upstreams: [A] }), environment: { ANTHROPIC_API_KEY: 'sk-ant-env', ANTHROPIC_BASE_URL: 'http://127.0.0.1:1' } });
    expect(loaded.warnings.filter((warning) => warning.startsWith('ANTHROPIC_'))).toEqual([
      'ANTHROPIC_API_KEY is not used: anthropic_native.upstreams lists the upstreams', 'ANTHROPIC_BASE_URL is not used: anthropic_native.upstreams lists the upstreams',
    ]);
    expect(loaded.config.anthropic_native.api_key).toBeUndefined();
  });

  it.each([
    ['two of one name', { upstreams: [A, { ...B, name: 'a' }] }, /upstreams\[1\]\.name must be other than anthropic_native\.upstreams\[0\]\.name/],
    ['an unknown kind', { upstreams: [{ ...A, kind: 'azure' }] }, /upstreams\[0\]\.kind must be anthropic/],
    ['a name of the gateway\'s own', { upstreams: [{ ...A, name: 'native' }] }, /upstreams\[0\]\.name must be a name of/],
    ['a name that metrics use', { upstreams: [{ ...A, name: 'front_door_x' }] }, /upstreams\[0\]\.name must be a name of/],
    ['no credential', { upstreams: [{ ...A, credential: {} }] }, /upstreams\[0\]\.credential must be an object with exactly one of/],
    ['two credentials', { upstreams: [{ ...A, credential: { api_key: 'x', bearer: 'y' } }] }, /upstreams\[0\]\.credential must be an object with exactly one of/],
    ['a relative path of a bearer', { upstreams: [{ ...A, credential: { bearer_file: 'token' } }] }, /bearer_file must be the absolute path/],
    ['clear text', { upstreams: [{ ...A, base_url: 'http://example.com' }] }, /upstreams\[0\]\.base_url must be an https:/],
    ['a version in the path', { upstreams: [{ ...A, base_url: 'https://example.com/v1' }] }, /upstreams\[0\]\.base_url must be a URL without \/v1/],
    ['a person\'s token as a key', { upstreams: [{ ...A, credential: { api_key: 'sk-ant-oat01-x' } }] }, /upstreams\[0\]\.api_key must be an API key/],
    ['the credentials of clients', { upstreams: [A, B], credentials: 'forward' }, /anthropic_native\.credentials must be "inject" with/],
    ['a stateful upstream that is not there', { upstreams: [A, B], routing: { stateful: 'c' } }, /routing\.stateful must be one of a, b, received "c"/],
    ['a stateful upstream without a list', { api_key: 'sk-ant-x', routing: { stateful: 'c' } }, /routing\.stateful must be absent without/],
    ['a status that is none', { upstreams: [A, B], routing: { fail_over_on: [200] } }, /routing\.fail_over_on\[0\] must be/],
    ['a cool-down that shrinks', { upstreams: [A, B], routing: { cool_down: [5, 1] } }, /routing\.cool_down must be a list of/],
    ['a weight of nothing', { upstreams: [{ ...A, weight: 0 }] }, /weight must be a number above 0/],
    ['more kept-alive connections than connections', { upstreams: [{ ...A, pool: { max_connections: 2, max_keepalive_connections: 3 } }] }, /pool\.max_keepalive_connections must be at most/],
    ['a model without a name upstream', { upstreams: [{ ...A, model_map: { 'claude-x': '' } }] }, /upstreams\[0\]\.model_map\.claude-x must be the upstream's name of a model/],
    ['a model with a long name upstream', { upstreams: [{ ...A, model_map: { 'claude-x': 'x'.repeat(257) } }] }, /model_map\.claude-x must be the upstream's name of a model/],
    ['a name upstream with a control character', { upstreams: [{ ...A, model_map: { 'claude-x': 'a\nb' } }] }, /model_map\.claude-x must be the upstream's name of a model/],
    ['a name upstream that is none', { upstreams: [{ ...A, model_map: { 'claude-x': 1 } }] }, /model_map\.claude-x must be the upstream's name of a model/],
    ['a map of a pattern', { upstreams: [{ ...A, model_map: { 'claude-*': 'x' } }] }, /upstreams\[0\]\.model_map\["claude-\*"\] must be named by a model name of 1 to 160 visible ASCII characters, without \*/],
    ['a map of a model without a name', { upstreams: [{ ...A, model_map: { '': 'x' } }] }, /upstreams\[0\]\.model_map\[.*\] must be named by a model name of/],
    ['a map of a name that is too long to be read with escapes', { upstreams: [{ ...A, model_map: { ['x'.repeat(161)]: 'x' } }] }, /upstreams\[0\]\.model_map\[.*\] must be named by a model name of/],
    ['a map that is a list', { upstreams: [{ ...A, model_map: ['claude-x'] }] }, /upstreams\[0\]\.model_map must be an object of model names/],
    ['a map of too many models', { upstreams: [{ ...A, model_map: Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`m${index}`, 'x'])) }] }, /upstreams\[0\]\.model_map must be an object of at most 1000/],
    ['a map of a model that is not served', { upstreams: [{ ...A, models: ['claude-a*'], model_map: { 'claude-x': 'x', 'claude-a': 'a' } }] }, /upstreams\[0\]\.model_map must be of models that .*\.models lists, received "claude-x"/],
    ['a kind without its region', { upstreams: [{ name: 'm', kind: 'bedrock_mantle', credential: { bearer: 'x' } }] }, /upstreams\[0\]\.region must be set with kind bedrock_mantle, received nothing/],
    ['a kind without its workspace', { upstreams: [{ name: 'p', kind: 'claude_platform_aws', region: 'us-east-1', credential: { aws: {} } }] }, /upstreams\[0\]\.workspace_id must be set with kind claude_platform_aws/],
    ['a kind without its resource', { upstreams: [{ name: 'f', kind: 'foundry', credential: { entra: {} } }] }, /upstreams\[0\]\.resource must be set with kind foundry/],
    ['a kind whose address is not known', { upstreams: [{ name: 'g', kind: 'google', credential: { google: {} } }] }, /upstreams\[0\]\.base_url must be set with kind google/],
    ['a place in base_url without its member', { upstreams: [{ name: 'g', kind: 'google', base_url: 'https://{location}.example', credential: { google: {} } }] }, /upstreams\[0\]\.location must be set where base_url has \{location\}/],
    ['a member of another kind', { upstreams: [{ ...A, region: 'us-east-1' }] }, /upstreams\[0\]\.region must be absent with kind anthropic: it belongs to claude_platform_aws or bedrock_mantle/],
    ['a credential of another kind', { upstreams: [{ ...A, credential: { aws: {} } }] }, /upstreams\[0\]\.credential\.aws must be absent with kind anthropic, which takes api_key, bearer, bearer_file, bearer_command, received an object/],
    ['half of a key of AWS', { upstreams: [{ name: 'm', kind: 'bedrock_mantle', region: 'r', credential: { aws: { access_key_id: 'AKID' } } }] }, /upstreams\[0\]\.credential\.aws must be an object with access_key_id and secret_access_key/],
    ['a region in upper case', { upstreams: [{ name: 'm', kind: 'bedrock_mantle', region: 'US-EAST-1', credential: { aws: {} } }] }, /upstreams\[0\]\.region must be a region such as us-east-1, in lower case/],
    ['a tenant with an underscore', { upstreams: [{ name: 'm', kind: 'foundry', resource: 'r', credential: { entra: { tenant_id: 'my_tenant' } } }] }, /entra\.tenant_id must be the id or name of a tenant, of letters/],
    ['a region with a host in it', { upstreams: [{ name: 'm', kind: 'bedrock_mantle', region: 'x.example/', credential: { aws: {} } }] }, /upstreams\[0\]\.region must be a region such as us-east-1/],
    ['a command without an absolute path', { upstreams: [{ ...A, credential: { bearer_command: ['token'] } }] }, /bearer_command must be a list of the absolute path of a program and its arguments/],
    ['fewer connections than workers', { upstreams: [{ ...A, pool: { max_connections: 1 } }] }, /pool\.max_connections must be at least the number of workers/],
  ])('refuses %s by the path of the key', (_what, fields, problem) => {
    const attempt = native(fields);
    const problems = problemsOf({ ...attempt, file: { ...attempt.file, server: { workers: 2 } } });
    expect(problems.filter((text) => problem.test(text))).toHaveLength(1);
  });

  it('refuses a map with two keys that are one when decoded', () => {
    const file = '{"anthropic_native":{"upstreams":[{"name":"a","credential":{"api_key":"k"},"model_map":{"claude-x":"x","claude\\u002dx":"y"}}]}}';
    expect(problemsOf({ file, environment: {} })).toEqual([expect.stringMatching(/upstreams\[0\]\.model_map\.claude-x must be one value, received the same key twice/)]);
  });

  it('copies no upstream with names of its own for models to the front door', () => {
    const backends = (upstreams: readonly object[]): readonly unknown[] => frontDoorBackends(gatewayConfigSchema.parse({ anthropic_native: { upstreams } })).map(({ api_key: key }) => key);
    const mapped = { ...A, name: 'm', credential: { api_key: 'sk-ant-mapped' }, model_map: { 'claude-x': 'x' } };
    expect([backends([mapped, A]), backends([mapped])]).toEqual([['sk-ant-a'], []]);
  });

  it('never shows a credential in a problem', () => {
    const secret = 'bearer-secret-value';
    for (const credential of [{ bearer: secret, api_key: secret }, { bearer: `${secret}\n` }, { bearer_file: secret }]) {
      expect(problemsOf(native({ upstreams: [{ ...A, credential }, { ...A, name: 'Z' }] })).join('\n')).not.toContain(secret);
    }
  });

  it('gives the front door a client of its own for the first one with a key; with none it is off, with a warning', () => {
    const backends = frontDoorBackends(attemptLoad(native({ upstreams: [B, { ...A, base_url: 'https://example.com' }] })).config);
    expect(backends.map(({ name, base_url: base, api_key: key }) => [name, base, key])).toEqual([['anthropic', 'https://example.com', 'sk-ant-a']]);
    const loaded = attemptLoad(native({ upstreams: [B] }));
    expect(frontDoorBackends(loaded.config)).toEqual([]);
    expect(loaded.warnings.join('\n')).toContain('none of anthropic_native.upstreams has an api_key');
  });

  it('divides the pool of each between workers', () => {
    const { config } = attemptLoad(native({ upstreams: [{ ...A, pool: { max_connections: 5 } }, B] }));
    const divided = divideConfig(config, { index: 0, count: 2 });
    expect(nativeUpstreams(divided).map(({ pool }) => pool.max_connections)).toEqual([3, 10]);
  });
});
