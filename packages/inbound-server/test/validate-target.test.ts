import { array, assert, constantFrom, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { validateTarget as validate } from '../src/validate-target.ts';

/** As the gateway calls it. */
const validateTarget = (target: string): ReturnType<typeof validate> => validate(target, { trailingSlashUnder: '/v1/', encodedSlashUnder: ['/v1/models/', '/bedrock/model/'] });

const PIECES = ['/', '.', '..', '%2e', '%2F', '%5c', '\\', ';', '#', '?', '%', '%25', '%41', '%c0%af', '%C3%A9', 'a', 'v1', 'organizations', '%00', ' ', '=', '&', '%3b', '%7e', '-'];

describe('a request target', () => {
  test('an accepted request target: is the same path for every parser', () => {
    assert(property(array(constantFrom(...PIECES), { maxLength: 12 }), (pieces) => {
      const target = `/${pieces.join('')}`;
      const linted = validateTarget(target);
      if (!linted.ok) return;
      // One slash at the end of a path under /v1 is taken off, and nothing else is changed.
      const isTrimmed = linted.path + linted.query !== target;
      expect(isTrimmed ? `${linted.path}/${linted.query}` : linted.path + linted.query).toBe(target);
      if (isTrimmed) expect(linted.path).toMatch(/^\/v1(?:\/|$)/);
      expect(linted.path).not.toContain('?');
      // Readers that decode once or twice, that resolve dots, or that drop parameters all see the same segments.
      const decoded = decodeURIComponent(linted.path);
      expect(decodeURIComponent(decoded)).toBe(decoded);
      if (!linted.path.includes(' ')) expect(new URL(linted.path, 'http://x').pathname).toBe(linted.path);
      if (!linted.path.startsWith('/v1/models/')) expect(decoded.split('/').length).toBe(linted.path.split('/').length);
      expect(decoded.split('/')).not.toContain('..');
      expect(decoded).not.toMatch(/[\\;#]/);
    }), { numRuns: 5_000 });
  });

  test('a request target of any text: is accepted or refused, never a crash', () => {
    assert(property(string({ unit: 'binary', maxLength: 40 }), (text) => {
      expect(typeof validateTarget(text).ok).toBe('boolean');
    }), { numRuns: 300 });
  });

  test.each(['/v1/models/meta%2Fllama', '/v1/models/a%2fb%2fc', '/anthropic/v1/models/%C3%A9', '/', '/a%20b', '/a?%2e%2e/%00'])('%s is accepted', (target) => {
    expect(validateTarget(target).ok).toBe(true);
  });

  test.each([['/v1/models/', '/v1/models', ''], ['/v1/chat/completions/?a=/', '/v1/chat/completions', '?a=/'], ['/v1/', '/v1', '']])('%s under /v1 is %s (OpenAI clients send a slash at the end)', (target, path, query) => {
    expect(validateTarget(target)).toEqual({ ok: true, path, query });
  });

  test.each(['/v1/models/a%2Fb', '/bedrock/model/arn:aws%2Fx/invoke'])('%s may hold an encoded slash', (target) => {
    expect(validateTarget(target)).toEqual({ ok: true, path: target, query: '' });
    expect(validate(target).ok).toBe(false);
  });

  test('one prefix may be given as a text', () => {
    expect(validate('/v1/models/a%2Fb', { encodedSlashUnder: '/v1/models/' }).ok).toBe(true);
    expect(validate('/v1/files/a%2Fb', { encodedSlashUnder: '/v1/models/' }).ok).toBe(false);
  });

  test.each(['/v1/models//', '/bedrock/x%2Fy', '/bedrock/model%2Fx', '/v1//', '/anthropic/v1/messages/', '/anthropic/', '/v1/../', '/v1/x/%2e%2e/', '/anthropic/v1/models/a%2Fb', '/v1/models%2Fx', '/v1/models/%2e%2e', '/v1/models/a%252fb', '*', '', 'x', 'http://x/', '/%e9', '/a%2'])('%s is refused', (target) => {
    expect(validateTarget(target).ok).toBe(false);
  });

  test.each([
    ['http://x/', 'origin form'], ['/a#b', 'fragment'], ['/a\\b', 'not accepted'], ['/a;b', 'not accepted'], ['/a%2', 'incomplete'], ['/a%zz', 'incomplete'], ['/a%0a', 'control character'], ['/a%7f', 'control character'],
    ['/a%2e', 'encoded dot'], ['/a%5C', 'encoded dot, slash or backslash'], ['/a%2Fb', 'encoded dot, slash or backslash'], ['/a%25', 'encoded "%"'], ['/a%3b', 'encoded "%", ";"'], ['/a%41', 'needs no encoding'], ['/a%c0%af', 'not UTF-8'],
    ['/a//b', 'empty segment'], ['/a/', 'empty segment'], ['/a/./b', 'dot segment'], ['/a/..', 'dot segment'],
  ])('%s is refused for what is wrong with it: %s', (target, reason) => {
    expect(validateTarget(target)).toEqual({ ok: false, message: expect.stringContaining(reason) as string });
  });
});
