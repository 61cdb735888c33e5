import * as fc from 'fast-check';
import { isIP } from 'node:net';
import { describe, expect, it } from 'vitest';
import { clientAddress, createTrustedProxies, isEncrypted } from '../../../src/access/clients/client-address.ts';

const PROXIES = createTrustedProxies(['10.0.0.0/8', '192.168.1.1', 'fd00::/8']);
const NONE = createTrustedProxies([]);

function forwarded(...values: string[]): string[] {
  return values.flatMap((value) => ['X-Forwarded-For', value]);
}

describe('clientAddress', () => {
  it('is the socket\'s when it is no trusted proxy, whatever the client claims', () => {
    expect(clientAddress('203.0.113.9', forwarded('1.1.1.1'), PROXIES)).toBe('203.0.113.9');
    expect(clientAddress('10.0.0.1', forwarded('1.1.1.1'), NONE)).toBe('10.0.0.1');
  });

  it.each([
    ['one proxy', '10.0.0.1', forwarded('203.0.113.9'), '203.0.113.9'],
    ['two proxies', '10.0.0.1', forwarded('203.0.113.9, 192.168.1.1'), '203.0.113.9'],
    ['several lines, in order', '10.0.0.1', forwarded('203.0.113.9', '10.9.9.9'), '203.0.113.9'],
    ['a claim of the client\'s own, left of what the proxy saw', '10.0.0.1', forwarded('1.1.1.1, 203.0.113.9'), '203.0.113.9'],
    ['only proxies', '10.0.0.1', forwarded('10.0.0.3, 10.0.0.2'), '10.0.0.3'],
    ['a port', '10.0.0.1', forwarded('203.0.113.9:5555'), '203.0.113.9'],
    ['IPv6', 'fd00::1', forwarded('[2001:db8::1]:443'), '2001:db8::1'],
    ['an IPv4-mapped socket', '::ffff:10.0.0.1', forwarded('::ffff:203.0.113.9'), '203.0.113.9'],
    ['nonsense from a proxy', '10.0.0.1', forwarded('1.1.1.1, unknown'), '10.0.0.1'],
    ['nothing from a proxy', '10.0.0.1', [], '10.0.0.1'],
  ])('through %s', (_case, socket, rawHeaders, address) => {
    expect(clientAddress(socket, rawHeaders, PROXIES)).toBe(address);
  });

  it('goes back through 64 proxies at most (a client cannot make us read more)', () => {
    const hops = Array.from({ length: 100 }, (_, index) => `10.0.1.${index}`);
    expect(clientAddress('10.0.0.1', forwarded(...hops), PROXIES)).toBe('10.0.1.36');
  });

  it('is unknown for a socket that is gone', () => {
    expect(clientAddress(undefined, forwarded('1.1.1.1'), PROXIES)).toBe('unknown');
  });

  it('is an address or unknown, whatever the header holds (it goes into logs)', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.ipV4(), fc.ipV6()), { maxLength: 5 }), (values) => {
      expect(isIP(clientAddress('10.0.0.1', forwarded(...values), PROXIES))).not.toBe(0);
    }), { numRuns: 500 });
    expect(clientAddress('10.0.0.1', forwarded('10.0.0.2,'.repeat(50_000)), PROXIES)).toBe('10.0.0.1');
  });
});

describe('isEncrypted', () => {
  const proto = (...values: string[]): string[] => values.flatMap((value) => ['x-forwarded-proto', value]);

  it.each([
    ['our own TLS', { encrypted: true, remoteAddress: '203.0.113.9' }, [], true],
    ['a trusted proxy that took TLS', { remoteAddress: '10.0.0.1' }, proto('https'), true],
    ['a trusted proxy that took none', { remoteAddress: '10.0.0.1' }, proto('http'), false],
    ['a trusted proxy behind which the client claims it', { remoteAddress: '10.0.0.1' }, proto('https', 'http'), false],
    ['a trusted proxy that says nothing', { remoteAddress: '10.0.0.1' }, [], false],
    ['an untrusted peer that claims it', { remoteAddress: '203.0.113.9' }, proto('https'), false],
    ['a socket that is gone', {}, proto('https'), false],
  ])('%s', (_case, socket, rawHeaders, expected) => {
    expect(isEncrypted(socket, rawHeaders, PROXIES)).toBe(expected);
  });
});
