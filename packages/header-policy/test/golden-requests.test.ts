import { describe, expect, test } from 'vitest';
import { anthropicHeaderRules, createHeaderPolicy } from '../src/index.ts';
import { CAPTURED_REQUESTS, CAPTURED_RESPONSE, fieldsOf } from './captured-requests.ts';
import { forwarded, reasonsOf } from './policy-support.ts';

const policy = createHeaderPolicy(anthropicHeaderRules);
const ours = ['x-api-key', 'sk-ant-api03-gateway', 'via', '1.1 penstock'];

describe('requests of known clients need nothing configured (FR-7, FR-9, FR-10)', () => {
  for (const { client, received, crosses, dropped } of CAPTURED_REQUESTS) {
    test(`${client}: what the API reads crosses in order, case and repeats; the rest is named with its reason`, () => {
      const result = forwarded(policy.forwardRequestHeaders(fieldsOf(received), { set: ours, defaults: ['anthropic-version', '2023-06-01'] }));
      expect(result.headers).toEqual([...fieldsOf(crosses), ...ours]);
      expect(reasonsOf(result.dropped)).toEqual(dropped);
    });

    test(`${client}: the client's own credential crosses under its own name when it is forwarded, and nothing else changes`, () => {
      const { headers } = forwarded(policy.forwardRequestHeaders(fieldsOf(received), { forwardCredentials: true }));
      const credentials = fieldsOf(received).filter((_, index, all) => /^(authorization|x-api-key)$/i.test(all[index - index % 2] ?? ''));
      expect(credentials.length).toBeGreaterThan(0);
      expect(headers.toSorted()).toEqual([...fieldsOf(crosses), ...credentials].toSorted());
    });
  }
});

test('every field that the rules name crosses in one of these requests (a rule without a request would be tested by nothing)', () => {
  const crossing = CAPTURED_REQUESTS.flatMap(({ crosses }) => fieldsOf(crosses).filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()));
  const isSent = (pattern: string): boolean => crossing.some((name) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern));
  expect(anthropicHeaderRules.allowRequest.filter((pattern) => !isSent(pattern))).toEqual([]);
});

test('a response of the API keeps its rate limits, ids and diagnostics, and loses what belongs to its own origin (FR-15, FR-16, FR-17)', () => {
  const { headers, dropped } = policy.forwardResponseHeaders(fieldsOf(CAPTURED_RESPONSE));
  const gone = ['Transfer-Encoding', 'Connection', 'strict-transport-security', 'Set-Cookie', 'alt-svc'];
  const expected = CAPTURED_RESPONSE.trim().split('\n').filter((line) => !gone.includes(line.slice(0, line.indexOf(':'))));
  expect(headers).toEqual(fieldsOf(expected.join('\n')));
  expect(reasonsOf(dropped)).toEqual({
    'transfer-encoding': 'hop_by_hop', connection: 'hop_by_hop', 'strict-transport-security': 'denied', 'set-cookie': 'cookie', 'alt-svc': 'denied',
  });
});
