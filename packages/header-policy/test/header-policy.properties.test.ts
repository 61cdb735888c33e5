import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anthropicHeaderRules, createHeaderPolicy, openaiHeaderRules } from '../src/index.ts';
import { fieldSection, fieldValue, hostileSection } from './arbitrary-headers.ts';
import { checkRequest, checkResponse } from './policy-properties.ts';
import { forwarded } from './policy-support.ts';

const POLICIES = {
  anthropic: createHeaderPolicy(anthropicHeaderRules),
  openai: createHeaderPolicy(openaiHeaderRules),
  'one that allows every name': createHeaderPolicy({ allowRequest: ['*'] }),
};

describe.each(Object.entries(POLICIES))('a policy of rules: %s', (_, policy) => {
  test('requests: nothing private crosses, nothing nominated stays, order, case and repeats are kept, forwarding twice is forwarding once', () => {
    fc.assert(fc.property(fieldSection, (fields) => checkRequest(policy, fields)), { numRuns: 1000 });
  });

  test('responses: the same', () => {
    fc.assert(fc.property(fieldSection, (fields) => checkResponse(policy, fields)), { numRuns: 1000 });
  });

  test('any strings at all give a result, never an exception', () => {
    fc.assert(fc.property(hostileSection, (fields) => {
      checkRequest(policy, fields);
      checkResponse(policy, fields);
    }), { numRuns: 1000 });
  });
});

test('every field a client nominates is gone before ours are added, however it is written', () => {
  const name = fc.constantFrom('x-app', 'user-agent', 'accept', 'x-stainless-os', 'priority');
  fc.assert(fc.property(name, fieldValue, fc.constantFrom(',', ' , ', ',,\t'), (nominated, value, comma) => {
    const { headers } = forwarded(POLICIES.anthropic.forwardRequestHeaders(
      [nominated, value, 'connection', ['close', nominated.toUpperCase(), 'x-other'].join(comma), nominated.toUpperCase(), value], { set: [nominated, 'ours'] },
    ));
    expect(headers).toEqual([nominated, 'ours']);
  }));
});

test('no secret of a client is in the output, whatever the case and repeats of its name', () => {
  const credential = fc.constantFrom('Authorization', 'X-API-KEY', 'cookie', 'Proxy-Authorization', 'x_api_key', 'api-key', 'X-Penstock-Key', 'x-goog-api-key');
  fc.assert(fc.property(fieldSection, credential, fc.nat(30), (fields, name, place) => {
    const position = Math.min(place * 2, fields.length);
    const attacked = [...fields.slice(0, position), name, 'SECRET-7261', ...fields.slice(position)];
    for (const policy of Object.values(POLICIES)) expect(JSON.stringify(policy.forwardRequestHeaders(attacked))).not.toContain('SECRET-7261');
  }));
});
