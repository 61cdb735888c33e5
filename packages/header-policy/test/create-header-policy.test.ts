import { describe, expect, test } from 'vitest';
import { anthropicHeaderRules, createHeaderPolicy, extendHeaderRules, isHeaderPolicyError, openaiHeaderRules, type HeaderRules } from '../src/index.ts';
import { forwarded } from './policy-support.ts';

describe('rules are checked once, with the option, what it expects and what it got', () => {
  test.each<[string, HeaderRules, string]>([
    ['a malformed name', { allowRequest: ['accept', 'x y'] }, 'allowRequest[1] must be a field name or a prefix ending in "*", received x?y'],
    ['a star inside', { allowRequest: ['x-*-y'] }, 'allowRequest[0] must be a field name or a prefix ending in "*", received x-*-y'],
    ['an entry of an option that has entries of its own', { allowRequest: [], singletons: ['x y'] }, 'singletons[0] must be a field name or a prefix ending in "*", received x?y'],
    ['the same of the fields that are relied on', { allowRequest: [], reliedOn: ['x-a', 'x y'] }, 'reliedOn[1] must be a field name or a prefix ending in "*", received x?y'],
    ['the same of the internal fields', { allowRequest: [], internal: ['x y'] }, 'internal[0] must be a field name or a prefix ending in "*", received x?y'],
    ['an empty name', { allowRequest: [], denyResponse: [''] }, 'denyResponse[0] must be a field name or a prefix ending in "*", received '],
    ['a cookie', { allowRequest: ['Cookie'] }, 'allowRequest must not name a field that never crosses, received cookie (cookie)'],
    ['a credential', { allowRequest: ['x-api-key'] }, 'allowRequest must not name a field that never crosses, received x-api-key (credential)'],
    ['a hop-by-hop field', { allowRequest: ['TE'] }, 'allowRequest must not name a field that never crosses, received te (hop_by_hop)'],
    ['the proxy credential', { allowRequest: [], credentials: ['proxy-authorization'] }, 'credentials must not name a field that never crosses, received proxy-authorization (credential)'],
    ['a cookie as credential', { allowRequest: [], credentials: ['cookie'] }, 'credentials must not name a field that never crosses, received cookie (cookie)'],
    ['a prefix of credentials', { allowRequest: [], credentials: ['x-*'] }, 'credentials must hold whole field names, received x-*'],
    ['a prefix of singletons', { allowRequest: [], singletons: ['anthropic-*'] }, 'singletons must hold whole field names, received anthropic-*'],
    ['a negative cap', { allowRequest: [], maxRequestFields: -1 }, 'maxRequestFields must be a positive integer, received -1'],
    ['a fractional cap', { allowRequest: [], maxResponseFields: 1.5 }, 'maxResponseFields must be a positive integer, received 1.5'],
  ])('%s', (_, rules, message) => {
    expect(() => createHeaderPolicy(rules)).toThrow(message);
    try {
      createHeaderPolicy(rules);
    } catch (error) {
      expect(isHeaderPolicyError(error) && error.code).toBe('invalid_rules');
    }
  });

  test('a prefix that merely covers protected fields is no mistake, they just do not cross', () => {
    const policy = createHeaderPolicy({ allowRequest: ['x-*'] });
    expect(forwarded(policy.forwardRequestHeaders(['x-api-key', '1', 'x-forwarded-for', '2', 'x-app', '3'])).headers).toEqual(['x-app', '3']);
  });
});

describe('shipped rules', () => {
  test('cannot be changed by a caller, nor by extending them', () => {
    const before = structuredClone(anthropicHeaderRules);
    const extended = extendHeaderRules(anthropicHeaderRules, { allowRequest: ['x-team'], denyResponse: undefined });
    expect(anthropicHeaderRules).toEqual(before);
    expect(extended.allowRequest).toEqual([...before.allowRequest, 'x-team']);
    expect(extended).toMatchObject({ denyResponse: before.denyResponse, singletons: before.singletons, reliedOn: before.reliedOn });
    expect(Object.isFrozen(anthropicHeaderRules) && Object.isFrozen(anthropicHeaderRules.allowRequest) && Object.isFrozen(openaiHeaderRules)).toBe(true);
  });

  test('the OpenAI rules keep the client account choice away from our key', () => {
    const { headers } = forwarded(createHeaderPolicy(openaiHeaderRules).forwardRequestHeaders(
      ['OpenAI-Organization', 'org-1', 'openai-project', 'p', 'OpenAI-Beta', 'assistants=v2', 'anthropic-beta', 'x'], { set: ['authorization', 'Bearer ours'] },
    ));
    expect(headers).toEqual(['OpenAI-Beta', 'assistants=v2', 'authorization', 'Bearer ours']);
  });
});
