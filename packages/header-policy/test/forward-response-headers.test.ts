import { measureGrowth } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { anthropicHeaderRules, createHeaderPolicy, DROP_REASONS, extendHeaderRules, openaiHeaderRules } from '../src/index.ts';
import { HOP_BY_HOP_NAMES, reasonsOf } from './policy-support.ts';

const policy = createHeaderPolicy(anthropicHeaderRules);

describe('what never reaches the client', () => {
  test.each(HOP_BY_HOP_NAMES)('%s is dropped (it would flip the framing of our own server)', (name) => {
    expect(policy.forwardResponseHeaders([name, 'x'])).toEqual({ headers: [], dropped: [{ name, reason: 'hop_by_hop' }] });
  });

  test.each<readonly [string, string]>([
    ['Set-Cookie', 'cookie'], ['set-cookie2', 'cookie'], ['x-api-key', 'credential'], ['authorization', 'credential'], ['x-penstock-request-id', 'internal'], ['Expect', 'framing'], ['Content_Length', 'framing'],
    ...[
      'alt-svc', 'Location', 'content-location', 'strict-transport-security', 'public-key-pins', 'public-key-pins-report-only', 'expect-ct', 'nel', 'report-to', 'reporting-endpoints', 'clear-site-data', 'accept-ch', 'critical-ch',
      'origin-agent-cluster', 'service-worker-allowed', 'refresh', 'Access-Control-Allow-Origin', 'access-control-max-age', 'timing-allow-origin', 'cross-origin-opener-policy',
      'X-Accel-Redirect', 'x-sendfile', 'x-lighttpd-send-file', 'x-reproxy-url',
    ].map((name): [string, string] => [name, 'denied']),
  ])('%s is dropped as %s, with either shipped rule set', (name, reason) => {
    for (const rules of [anthropicHeaderRules, openaiHeaderRules]) {
      expect(createHeaderPolicy(rules).forwardResponseHeaders([name, '1'])).toEqual({ headers: [], dropped: [{ name: name.toLowerCase(), reason }] });
    }
  });

  test('a credential that the rules name is dropped when an upstream echoes it', () => {
    const custom = createHeaderPolicy({ allowRequest: [], credentials: ['x-vendor-key'] });
    expect(custom.forwardResponseHeaders(['X-Vendor-Key', 'ours'])).toEqual({ headers: [], dropped: [{ name: 'x-vendor-key', reason: 'credential' }] });
  });

  test('an operator may deny more', () => {
    const denying = createHeaderPolicy(extendHeaderRules(anthropicHeaderRules, { denyResponse: ['Server', 'cf-*'] }));
    expect(denying.forwardResponseHeaders(['server', 'cloudflare', 'CF-Ray', '1', 'via', '1.1 google'])).toMatchObject({ headers: ['via', '1.1 google'] });
  });
});

describe('what crosses', () => {
  test('everything else, unknown fields included, in order, case and repeats (FR-15)', () => {
    const fields = ['Request-Id', 'req_1', 'anthropic-ratelimit-unified-new', 'x', 'x-unknown', 'é', 'Vary', 'a', 'vary', 'b', 'Via', '1.1 google', 'server', 'cloudflare', '__proto__', 'x'];
    expect(policy.forwardResponseHeaders(fields)).toEqual({ headers: fields, dropped: [] });
  });

  test('nominated fields are removed, but not those the body is read by (an upstream that nominates them is mistaken)', () => {
    const { headers, dropped } = policy.forwardResponseHeaders([
      'connection', 'x-hop, Content-Encoding, anthropic-x', 'Content-Encoding', 'gzip', 'X-Hop', '1', 'anthropic-x', '2', 'connection', 'not a token',
    ]);
    expect(headers).toEqual(['Content-Encoding', 'gzip', 'anthropic-x', '2']);
    expect(reasonsOf(dropped)).toEqual({ connection: 'hop_by_hop', 'x-hop': 'nominated' });
  });
});

describe('lengths', () => {
  test.each([
    ['one plain length is kept', ['Content-Length', '12'], ['Content-Length', '12']],
    ['equal lengths become one', ['content-length', '12', 'Content-Length', '12'], ['content-length', '12']],
    ['unequal lengths are all dropped', ['content-length', '12', 'content-length', '13'], []],
    ['a list is dropped', ['content-length', '12, 12'], []],
    ['a signed length is dropped', ['content-length', '+12'], []],
    ['an empty length is dropped', ['content-length', ''], []],
    ['a length too large to count is dropped', ['content-length', '9'.repeat(16)], []],
    ['a length beside a transfer coding is dropped (FR-66, RFC 9112 §6.3)', ['content-length', '12', 'transfer-encoding', 'chunked'], []],
  ])('%s', (_, fields, expected) => {
    const { headers, dropped } = policy.forwardResponseHeaders(fields);
    expect(headers).toEqual(expected);
    const lost = fields.filter((text) => text.toLowerCase() === 'content-length').length - expected.length / 2;
    expect(dropped.filter(({ reason }) => reason === 'framing')).toHaveLength(lost);
  });
});

describe('bounds', () => {
  test('takes time in proportion to the number of Connection lines (each line of a hostile upstream costs the same)', async () => {
    const forward = (lines: number) => {
      const fields = connectionLines(lines);
      return (): void => { policy.forwardResponseHeaders(fields); };
    };
    // Linear is about 256; copying what was collected on each line would be 65,536.
    expect(await measureGrowth({ small: forward(200), large: forward(51_200), atMost: 2_048 })).toBeLessThan(2_048);
  });

  test('drops malformed fields and says so (writeHead would throw)', () => {
    const { headers, dropped } = policy.forwardResponseHeaders(['x y', '1', '', '2', 'a', '\n', 'b', '\uFFFD', 'c', '\0', 'ok', '1', 'odd']);
    expect(headers).toEqual(['ok', '1']);
    expect(dropped.map(({ reason }) => reason)).toEqual(Array.from({ length: 6 }, () => 'invalid'));
    expect(dropped.every(({ name, reason }) => /^[\x21-\x7e]*$/.test(name) && DROP_REASONS.includes(reason))).toBe(true);
  });

  test('caps the fields, but keeps those without which the body cannot be read', () => {
    const small = createHeaderPolicy({ ...anthropicHeaderRules, maxResponseFields: 2 });
    const { headers, dropped } = small.forwardResponseHeaders(['a', '1', 'b', '2', 'c', '3', 'Content-Type', 'text/plain', 'content-encoding', 'gzip', 'content-length', '1']);
    expect(headers).toEqual(['a', '1', 'b', '2', 'Content-Type', 'text/plain', 'content-encoding', 'gzip', 'content-length', '1']);
    expect(dropped).toEqual([{ name: 'c', reason: 'too_many' }]);
    const flood = Array.from({ length: 100 }, () => ['content-encoding', 'gzip']).flat();
    expect(small.forwardResponseHeaders(flood).headers).toHaveLength(2 * (2 + 16));
  });
});

describe('additions', () => {
  test('sets the gateway own fields and gives event streams their defaults only where the upstream sent none', () => {
    const additions = { set: ['x-penstock-request-id', 'pen_1', 'connection', 'close'], defaults: ['cache-control', 'no-cache', 'x-accel-buffering', 'no'] };
    const { headers, dropped } = policy.forwardResponseHeaders(['Cache-Control', 'no-store', 'X-Penstock-Request-Id', 'forged', 'connection', 'keep-alive'], additions);
    expect(headers).toEqual(['Cache-Control', 'no-store', 'x-accel-buffering', 'no', 'x-penstock-request-id', 'pen_1', 'connection', 'close']);
    expect(reasonsOf(dropped)).toEqual({ 'x-penstock-request-id': 'internal', connection: 'hop_by_hop' });
  });

  test('replaces a field of the same name, and refuses a transfer coding', () => {
    expect(policy.forwardResponseHeaders(['Server', 'x'], { set: ['server', 'penstock'] })).toEqual({
      headers: ['server', 'penstock'], dropped: [{ name: 'server', reason: 'replaced' }],
    });
    expect(() => policy.forwardResponseHeaders([], { set: ['transfer-encoding', 'chunked'] })).toThrow(/set must hold fields that may be sent: transfer-encoding/);
  });
});

function connectionLines(count: number): string[] {
  return Array.from({ length: count }, (_, index) => ['connection', `x-${index}, y-${index}`]).flat();
}
