import { assert, constantFrom, option, property, record } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createOriginCheck } from '../../src/http/check-origin.ts';

const FACTS = { localAddress: '127.0.0.1', origin: undefined, secFetchSite: undefined };
const loopback = createOriginCheck({ allowedHosts: [], boundHost: '127.0.0.1', corsOrigins: ['https://app.example'] });
const open = createOriginCheck({ allowedHosts: ['Gateway.example', 'other.example:8443', '[2001:db8::1]'], boundHost: '0.0.0.0', corsOrigins: [] });

describe('the Host of a request', () => {
  test.each(['localhost', 'LOCALHOST:8000', 'localhost.', 'localhost.:8000', '127.0.0.1', '[::1]:8000', '[::1]'])('%s is ours on loopback', (host) => {
    expect(loopback({ ...FACTS, host })).toBeUndefined();
  });

  test.each(['attacker.example', 'localhost.attacker.example', '127.0.0.1.attacker.example', '10.0.0.5', '[::2]', 'localhost..', 'attacker.example.', '0x7f000001', '2130706433'])('%s is not (a name that was rebound to us)', (host) => {
    expect(loopback({ ...FACTS, host })).toBe('misdirected');
  });

  test('listed names count with any port, names listed with a port only with that one', () => {
    for (const host of ['gateway.example', 'GATEWAY.example:9000', 'other.example:8443', '[2001:db8::1]', '[2001:db8::1]:80']) expect(open({ ...FACTS, host })).toBeUndefined();
    for (const host of ['gateway.example.', 'Gateway.example.:9000', 'other.example.:8443']) expect([host, open({ ...FACTS, host })]).toEqual([host, undefined]);
    for (const host of ['other.example', 'other.example.', 'other.example:80', 'x.gateway.example', '[2001:db8::2]']) expect(open({ ...FACTS, host })).toBe('misdirected');
  });

  test('a configured name that ends in the dot of the root is the same name', () => {
    const dotted = createOriginCheck({ allowedHosts: ['gateway.example.', 'other.example.:8443'], boundHost: 'bound.example.', corsOrigins: [] });
    for (const host of ['gateway.example', 'gateway.example.:1', 'other.example:8443', 'bound.example']) expect([host, dotted({ ...FACTS, host })]).toEqual([host, undefined]);
    expect(dotted({ ...FACTS, host: 'other.example:80' })).toBe('misdirected');
  });

  test('the address that the connection came in on is ours by construction, IPv4 on a dual-stack socket too', () => {
    expect(open({ ...FACTS, host: '10.0.0.5:8000', localAddress: '::ffff:10.0.0.5' })).toBeUndefined();
    expect(open({ ...FACTS, host: '10.0.0.6:8000', localAddress: '::ffff:10.0.0.5' })).toBe('misdirected');
    expect(open({ ...FACTS, host: '[fd00::1]:8000', localAddress: 'fd00::1' })).toBeUndefined();
  });

  test('an address that was ours is judged again at each other address, and a name that was ours opens no other one', () => {
    for (let turn = 0; turn < 2; turn += 1) {
      expect(open({ ...FACTS, host: '10.0.0.5', localAddress: '10.0.0.5' })).toBeUndefined();
      expect(open({ ...FACTS, host: '10.0.0.5', localAddress: '10.0.0.6' })).toBe('misdirected');
      expect(open({ ...FACTS, host: 'gateway.example' })).toBeUndefined();
      expect(open({ ...FACTS, host: 'gateway.example.attacker' })).toBe('misdirected');
      expect(open({ ...FACTS, host: 'gateway.example', origin: 'https://attacker.example' })).toBe('browser');
    }
  });
});

describe('a browser', () => {
  test('comes in from listed origins only', () => {
    expect(loopback({ ...FACTS, host: 'localhost', origin: 'https://app.example', secFetchSite: 'cross-site' })).toBeUndefined();
    for (const origin of ['https://app.example.attacker.example', 'http://app.example', 'https://APP.example', 'null', '', 'http://localhost:3000', 'http://localhost']) {
      expect(loopback({ ...FACTS, host: 'localhost', origin })).toBe('browser');
    }
  });

  test('a browser without Origin: is recognised by its fetch metadata', () => {
    for (const secFetchSite of ['cross-site', 'same-site']) expect(loopback({ ...FACTS, host: 'localhost', secFetchSite })).toBe('browser');
    for (const secFetchSite of ['none', 'same-origin', undefined]) expect(loopback({ ...FACTS, host: 'localhost', secFetchSite })).toBeUndefined();
  });
});

test('whatever the facts, nothing passes with a Host that is not ours or an Origin that is not listed', () => {
  const facts = record({
    host: constantFrom('localhost', 'attacker.example', '127.0.0.1:80', '[::1]', '[::', 'localhost:1', 'localhost.:1', 'attacker.example.', 'a:b:c'), localAddress: option(constantFrom('127.0.0.1', '::1', '::ffff:127.0.0.1'), { nil: undefined }),
    origin: option(constantFrom('https://app.example', 'https://attacker.example', 'null'), { nil: undefined }), secFetchSite: option(constantFrom('cross-site', 'none', 'same-site', 'x'), { nil: undefined }),
  });
  assert(property(facts, (one) => {
    if (loopback(one) !== undefined) return;
    expect(one.host).toMatch(/^(?:localhost\.?|127\.0\.0\.1|\[::1\])(?::\d+)?$/);
    expect([undefined, 'https://app.example']).toContain(one.origin);
  }), { numRuns: 1_000 });
});
