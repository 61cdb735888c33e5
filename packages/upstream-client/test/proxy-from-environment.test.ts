import { describe, expect, it } from 'vitest';
import { proxyFromEnvironment } from '../src/index.ts';

const ORIGIN = 'https://api.anthropic.com';
const PROXY = 'http://proxy.example:3128';

function chosen(environment: Record<string, string>, origin = ORIGIN): string | undefined {
  return proxyFromEnvironment(environment, origin)?.href;
}

describe('proxyFromEnvironment', () => {
  it.each([
    ['nothing', {}, ORIGIN, undefined],
    ['HTTPS_PROXY', { HTTPS_PROXY: PROXY }, ORIGIN, 'http://proxy.example:3128/'],
    ['small letters first', { HTTPS_PROXY: 'http://other/', https_proxy: PROXY }, ORIGIN, 'http://proxy.example:3128/'],
    ['a host without a scheme', { HTTPS_PROXY: 'proxy.example:3128' }, ORIGIN, 'http://proxy.example:3128/'],
    ['an https proxy', { HTTPS_PROXY: 'https://user:pass@proxy.example' }, ORIGIN, 'https://user:pass@proxy.example/'],
    ['ALL_PROXY as the last resort', { ALL_PROXY: PROXY }, ORIGIN, 'http://proxy.example:3128/'],
    ['an empty value as none', { HTTPS_PROXY: ' ' }, ORIGIN, undefined],
    ['http_proxy for an http origin', { http_proxy: PROXY, HTTPS_PROXY: 'http://other/' }, 'http://upstream.example', 'http://proxy.example:3128/'],
    ['never HTTP_PROXY in capitals (a CGI host lets clients set it)', { HTTP_PROXY: PROXY }, 'http://upstream.example', undefined],
    ['never for loopback names', { HTTPS_PROXY: PROXY, http_proxy: PROXY }, 'http://localhost:8000', undefined],
    ['never for loopback addresses', { http_proxy: PROXY }, 'http://127.9.9.9:8000', undefined],
    ['never for the IPv6 loopback', { http_proxy: PROXY }, 'http://[::1]:8000', undefined],
  ])('takes %s', (_name, environment: Record<string, string>, origin, expected) => {
    expect(chosen(environment, origin)).toBe(expected);
  });

  it.each([
    ['*', ORIGIN], ['api.anthropic.com', ORIGIN], ['anthropic.com', ORIGIN], ['.anthropic.com', ORIGIN], ['*.anthropic.com', ORIGIN],
    ['ANTHROPIC.COM', ORIGIN], ['first.example, anthropic.com', ORIGIN], ['first.example anthropic.com', ORIGIN], ['anthropic.com:443', ORIGIN],
    ['10.1.2.3', 'https://10.1.2.3'], ['10.0.0.0/8', 'https://10.1.2.3'], ['fd00::/8', 'https://[fd00::1]'], ['fd00::1', 'https://[fd00::1]'], ['[fd00::1]:443', 'https://[fd00::1]'],
  ])('has an exception by NO_PROXY=%s for %s', (exceptions, origin) => {
    expect(chosen({ HTTPS_PROXY: PROXY, NO_PROXY: exceptions }, origin)).toBeUndefined();
    expect(chosen({ HTTPS_PROXY: PROXY, no_proxy: exceptions, NO_PROXY: '' }, origin)).toBeUndefined();
  });

  it.each([
    ['nthropic.com', ORIGIN], ['anthropic.com:8443', ORIGIN], ['notanthropic.com', ORIGIN], ['api.anthropic.com.evil.example', ORIGIN],
    ['10.0.0.0/16', 'https://10.1.2.3'], ['10.1.2', 'https://10.1.2.3'], ['2.3', 'https://10.1.2.3'], ['10.0.0.0/99', 'https://10.1.2.3'], ['fd00::/8', 'https://10.1.2.3'], ['.', ORIGIN], [',', ORIGIN],
  ])('has no exception by NO_PROXY=%s for %s', (exceptions, origin) => {
    expect(chosen({ HTTPS_PROXY: PROXY, NO_PROXY: exceptions }, origin)).toBeDefined();
  });

  it.each(['socks5://proxy.example', 'ftp://secret@proxy.example', 'http://'])('refuses %s without repeating it (it may hold a password)', (value) => {
    expect(() => chosen({ HTTPS_PROXY: value })).toThrow(/^HTTPS_PROXY must be an http: or https: URL, received [^@]*$/);
  });
});
