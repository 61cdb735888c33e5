import { describe, expect, test } from 'vitest';
import {
  anthropicHeaderRules, createHeaderPolicy, extendHeaderRules, HEADER_VIOLATION_CODES, HOP_BY_HOP_FIELDS, HeaderPolicyError, isHeaderPolicyError,
} from '../src/index.ts';
import { forwarded, HOP_BY_HOP_NAMES, namesOf, reasonsOf, refused } from './policy-support.ts';

const policy = createHeaderPolicy(anthropicHeaderRules);
const openPolicy = createHeaderPolicy({ allowRequest: ['*'] });

describe('what never crosses, also when the rules allow every name', () => {
  test('the fields of one connection are all known, and each has its source', () => {
    expect([...HOP_BY_HOP_FIELDS.keys()].toSorted()).toEqual(HOP_BY_HOP_NAMES.toSorted());
    for (const source of HOP_BY_HOP_FIELDS.values()) expect(source).toMatch(/^RFC \d{4} /);
  });

  test.each(HOP_BY_HOP_NAMES)('%s is dropped (it belongs to one connection)', (name) => {
    const { headers, dropped } = forwarded(openPolicy.forwardRequestHeaders([name.toUpperCase(), 'close']));
    expect(headers).toEqual([]);
    expect(dropped).toEqual([{ name, reason: 'hop_by_hop' }]);
  });

  test.each<readonly [string, string]>([
    ...['authorization', 'x-api-key', 'proxy-authorization', 'api-key', 'x-goog-api-key', 'x-auth-token', 'x-access-token', 'x-amz-security-token', 'x_api_key', 'api_key'].map((name): [string, string] => [name, 'credential']),
    ...['cookie', 'cookie2', 'set-cookie', 'set-cookie2'].map((name): [string, string] => [name, 'cookie']),
    ...['x-penstock-client', 'x_penstock_client'].map((name): [string, string] => [name, 'internal']),
    ...[
      'forwarded', 'x-forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x_forwarded_host', 'x-forwarder-for', 'x-real-ip', 'x-client-ip', 'client-ip', 'x-cluster-client-ip', 'x-remote-ip',
      'x-remote-addr', 'true-client-ip', 'fastly-client-ip', 'fly-client-ip', 'x-azure-clientip', 'x-azure-socketip', 'x-envoy-external-address', 'x-original-url', 'x-original-host',
      'x-rewrite-url', 'x-host', 'cf-connecting-ip', 'cf-ray', 'cdn-loop',
    ].map((name): [string, string] => [name, 'forwarding']),
    ...['host', 'content-length', 'expect', 'content_length'].map((name): [string, string] => [name, 'framing']),
  ])('%s is dropped as %s (FR-128, FR-133, FR-139)', (name, reason) => {
    for (const spelling of [name, name.toUpperCase()]) {
      const result = forwarded(openPolicy.forwardRequestHeaders([spelling, '1']));
      expect(result).toMatchObject({ headers: [], dropped: [{ name, reason }] });
    }
  });

  test('a field no rule allows is dropped as not_allowed and a denied one as denied (no drop is silent)', () => {
    const denying = createHeaderPolicy(extendHeaderRules(anthropicHeaderRules, { denyRequest: ['baggage', 'X-Stainless-*'] }));
    const { headers, dropped } = forwarded(denying.forwardRequestHeaders([
      'baggage', 'a=b', 'x-stainless-os', 'Linux', 'x-team', '1', 'anthropic_beta', 'a', '__proto__', 'x', 'constructor', 'y',
    ]));
    expect(headers).toEqual([]);
    expect(dropped).toEqual([
      { name: 'baggage', reason: 'denied' }, { name: 'x-stainless-os', reason: 'denied' }, { name: 'x-team', reason: 'not_allowed' },
      { name: 'anthropic_beta', reason: 'not_allowed' }, { name: '__proto__', reason: 'not_allowed' }, { name: 'constructor', reason: 'not_allowed' },
    ]);
  });
});

describe('what crosses', () => {
  test('unknown anthropic-*, x-claude-* and x-stainless-* fields cross unchanged (the API may add tomorrow)', () => {
    const fields = ['Anthropic-New-Thing', 'x', 'x-claude-code-agent-id', 'a', 'X-STAINLESS-NEW', 'é'];
    expect(forwarded(policy.forwardRequestHeaders(fields)).headers).toEqual(fields);
  });

  test('repeated anthropic-beta lines stay repeated lines in order, among the others (FR-1, FR-5)', () => {
    const fields = ['anthropic-beta', 'a,b', 'accept', '*/*', 'Anthropic-Beta', 'c', 'anthropic-beta', 'a,b', 'anthropic-beta', ''];
    expect(forwarded(policy.forwardRequestHeaders(fields)).headers).toEqual(fields);
  });

  test('accept-encoding crosses as sent and is never added (FR-13, FR-74)', () => {
    expect(forwarded(policy.forwardRequestHeaders(['accept', '*/*'])).headers).toEqual(['accept', '*/*']);
    expect(forwarded(policy.forwardRequestHeaders(['Accept-Encoding', 'br;q=0'])).headers).toEqual(['Accept-Encoding', 'br;q=0']);
  });

  test('a configured custom field crosses, whatever its case (FR-5, FR-12)', () => {
    const extended = createHeaderPolicy(extendHeaderRules(anthropicHeaderRules, { allowRequest: ['X-Team', 'x-cost-*'] }));
    const fields = ['x-team', '1', 'X-Cost-Centre', '7'];
    expect(forwarded(extended.forwardRequestHeaders(fields)).headers).toEqual(fields);
  });
});

describe('Connection nominations', () => {
  test('removes what the client nominated on any line, in any case, before ours is added', () => {
    const result = forwarded(policy.forwardRequestHeaders(
      ['connection', 'close, X-App', 'x-app', 'cli', 'accept', '*/*', 'Connection', ' ,\tUser-Agent ,', 'user-agent', 'x'],
      { set: ['x-app', 'gateway'], defaults: ['user-agent', 'penstock'] },
    ));
    expect(result.headers).toEqual(['accept', '*/*', 'user-agent', 'penstock', 'x-app', 'gateway']);
    expect(reasonsOf(result.dropped)).toMatchObject({ 'x-app': 'nominated', 'user-agent': 'nominated', connection: 'hop_by_hop' });
  });

  test.each([
    'content-length', 'Content-Type', 'content-encoding', 'host', 'transfer-encoding', 'authorization', 'X-Api-Key', 'cache-control', 'via',
    'anthropic-version', 'anthropic-beta', 'Anthropic-New-Thing',
  ])('refuses a request that nominates %s (two readers would see two requests)', (name) => {
    const violation = refused(policy.forwardRequestHeaders(['connection', `keep-alive, ${name}`, 'accept', '*/*']));
    expect(violation).toMatchObject({ code: 'nominated_field', name: name.toLowerCase() });
    expect(violation.message).toBe(`The Connection header field must not name ${name.toLowerCase()}.`);
  });

  test('refuses an option that is not a token (it means different fields to different readers)', () => {
    for (const value of ['"close"', 'close; x', 'a b', 'x:y', 'é']) {
      expect(refused(policy.forwardRequestHeaders(['connection', value])).code).toBe('invalid_field');
    }
  });

  test('accepts empty list elements and the ordinary upgrade offers', () => {
    for (const value of ['', ',', ' , close ,, ', 'keep-alive', 'Upgrade, HTTP2-Settings', 'TE', 'close']) {
      expect(forwarded(policy.forwardRequestHeaders(['connection', value])).headers).toEqual([]);
    }
  });
});

describe('ambiguous requests are refused', () => {
  test.each(['x-api-key', 'authorization', 'anthropic-version', 'content-type', 'host', 'content-length'])('two lines of %s, in any case and also when equal', (name) => {
    const violation = refused(policy.forwardRequestHeaders([name, '1', 'accept', '*/*', name.toUpperCase(), '1']));
    expect(violation).toMatchObject({ code: 'duplicate_singleton', name: name.toUpperCase() });
    // The request after a refused one starts afresh.
    expect(policy.forwardRequestHeaders([name, '1']).ok).toBe(true);
  });

  test.each([
    ['an empty name', ['', 'x']], ['a space in a name', ['x y', 'z']], ['a colon in a name', [':path', '/']], ['an 8-bit name', ['x-é', 'z']],
    ['a line feed in a value', ['accept', 'a\nb']], ['a carriage return in a value', ['accept', 'a\r']], ['a NUL in a dropped value', ['cookie', '\0']],
    ['DEL', ['accept', '\x7f']], ['a character above latin1', ['accept', 'ā']], ['a name without a value', ['accept']],
  ])('%s', (_, fields) => {
    expect(refused(policy.forwardRequestHeaders(fields)).code).toBe('invalid_field');
  });

  test('more fields than the cap, dropped ones included (the work of one request is bounded)', () => {
    const small = createHeaderPolicy({ ...anthropicHeaderRules, maxRequestFields: 3 });
    expect(small.forwardRequestHeaders(['cookie', '1', 'cookie', '2', 'cookie', '3']).ok).toBe(true);
    expect(refused(small.forwardRequestHeaders(['a', '1', 'a', '2', 'a', '3', 'a', '4']))).toEqual({
      code: 'too_many_fields', name: '', message: 'The request has more than 3 header fields.',
    });
  });

  test('a violation never shows a value, and shows a hostile name shortened and printable', () => {
    const violation = refused(policy.forwardRequestHeaders([`x\r\n\x1b[31m${'y'.repeat(500)}`, 'secret']));
    expect(violation.name).toMatch(/^[\x21-\x7e]{1,64}$/);
    expect(JSON.stringify(violation)).not.toContain('secret');
    expect(HEADER_VIOLATION_CODES).toContain(violation.code);
  });
});

describe('additions', () => {
  test('replaces a field of the same name wherever it stood, and reports it', () => {
    const { headers, dropped } = forwarded(policy.forwardRequestHeaders(
      ['Accept-Encoding', 'gzip', 'accept', '*/*', 'accept-encoding', 'br'], { set: ['accept-encoding', 'identity'] },
    ));
    expect(headers).toEqual(['accept', '*/*', 'accept-encoding', 'identity']);
    expect(dropped).toEqual([{ name: 'accept-encoding', reason: 'replaced' }, { name: 'accept-encoding', reason: 'replaced' }]);
  });

  test('never overwrites the client anthropic-version with a default, and adds it when absent (two API versions are live)', () => {
    const defaults = ['anthropic-version', '2023-06-01'];
    expect(forwarded(policy.forwardRequestHeaders(['Anthropic-Version', '2026-10-21'], { defaults })).headers).toEqual(['Anthropic-Version', '2026-10-21']);
    expect(forwarded(policy.forwardRequestHeaders([], { defaults })).headers).toEqual(defaults);
    expect(forwarded(policy.forwardRequestHeaders([], { defaults, set: ['anthropic-version', 'x'] })).headers).toEqual(['anthropic-version', 'x']);
  });

  test('appends our Via after those of earlier hops (RFC 9110 §7.6.3)', () => {
    const { headers, dropped } = forwarded(policy.forwardRequestHeaders(['Via', '1.0 fred', 'via', '1.1 p'], { set: ['via', '1.1 penstock'] }));
    expect(headers).toEqual(['Via', '1.0 fred', 'via', '1.1 p', 'via', '1.1 penstock']);
    expect(dropped).toEqual([]);
  });

  test('sends either our credential or the client own, never both (FR-129, FR-132)', () => {
    const fields = ['x-api-key', 'client', 'authorization', 'Bearer client'];
    const inject = forwarded(policy.forwardRequestHeaders(fields, { set: ['x-api-key', 'ours'] }));
    expect(inject.headers).toEqual(['x-api-key', 'ours']);
    expect(reasonsOf(inject.dropped)).toEqual({ 'x-api-key': 'credential', authorization: 'credential' });
    for (const additions of [{ set: ['authorization', 'Bearer ours'] }, { defaults: ['x-api-key', 'ours'] }]) {
      expect(() => policy.forwardRequestHeaders(fields, { ...additions, forwardCredentials: true })).toThrow(HeaderPolicyError);
    }
  });

  test('forwards only the credentials of the rules, under their own names (FR-130)', () => {
    const custom = createHeaderPolicy({ allowRequest: ['*'], credentials: ['X-Goog-Api-Key'] });
    const fields = ['Authorization', 'Bearer sk-ant-oat01', 'x-goog-api-key', 'k', 'api-key', 'k', 'proxy-authorization', 'k', 'cookie', 'k', 'x_api_key', 'k'];
    expect(forwarded(custom.forwardRequestHeaders(fields, { forwardCredentials: true })).headers).toEqual(fields.slice(0, 4));
    expect(forwarded(custom.forwardRequestHeaders(fields)).headers).toEqual([]);
    expect(refused(custom.forwardRequestHeaders(['connection', 'x-goog-api-key'])).code).toBe('nominated_field');
  });

  test.each([
    ['a line feed in the key', ['x-api-key', 'sk-secret\n']], ['a malformed name', ['x api', 'sk-secret']], ['a missing value', ['x-api-key']],
    ['transfer-encoding', ['Transfer-Encoding', 'sk-secret']], ['upgrade', ['upgrade', 'sk-secret']], ['keep-alive', ['keep-alive', 'sk-secret']],
    ['expect', ['expect', 'sk-secret']], ['host', ['Host', 'sk-secret']], ['an internal field', ['x-penstock-client', 'sk-secret']],
    ['a repeated singleton', ['x-api-key', 'sk-secret', 'X-Api-Key', 'sk-secret']],
  ])('refuses %s with an error that holds no value (undici would throw, or worse, send it)', (_, set) => {
    const error = caught(() => policy.forwardRequestHeaders([], { set }));
    expect(isHeaderPolicyError(error) && error.code).toBe('invalid_additions');
    expect(String(error)).not.toContain('sk-secret');
  });

  test('changes neither what it is given nor what it gave before', () => {
    const fields = Object.freeze(['accept', '*/*', 'cookie', '1']);
    const additions = Object.freeze({ set: Object.freeze(['via', '1.1 p']), defaults: Object.freeze(['accept', 'x']) });
    const first = forwarded(policy.forwardRequestHeaders(fields, additions));
    const copy = structuredClone(first);
    policy.forwardRequestHeaders(['user-agent', 'other', 'cookie', '2'], additions);
    expect(first).toEqual(copy);
    expect(namesOf(first.headers)).toEqual(['accept', 'via']);
  });
});

function caught(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}
