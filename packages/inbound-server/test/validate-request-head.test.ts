import { measureGrowth } from '@penstock/test-support';
import { array, assert, constantFrom, property, string, tuple } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { validateRequestHead, type ValidatedHead } from '../src/validate-request-head.ts';

const lint = (fields: Readonly<Record<string, string>> | readonly string[], method = 'POST', httpVersion = '1.1'): ValidatedHead | string =>
  validateRequestHead({ method, httpVersion, rawHeaders: Array.isArray(fields) ? fields as string[] : ['Host', 'localhost', ...Object.entries(fields as Record<string, string>).flat()] });

describe('a request head', () => {
  test('is read once, names in any case', () => {
    expect(lint({ ORIGIN: 'http://a', 'content-TYPE': 'application/json', 'Content-Length': '12', 'Sec-Fetch-Site': 'none', Expect: '100-Continue' })).toEqual({
      host: 'localhost', origin: 'http://a', contentType: 'application/json', contentEncoding: undefined, contentLength: 12, isChunked: false, secFetchSite: 'none', expectsContinue: true,
    });
  });

  test('joins codings on several lines, so that two of them are seen', () => {
    expect(lint(['Host', 'x', 'content-encoding', 'gzip', 'content-encoding', 'br'])).toMatchObject({ contentEncoding: 'gzip, br' });
  });

  test.each([['Host', 'localhost'], ['Origin', 'a'], ['Content-Type', 'a'], ['Content-Length', '1'], ['Transfer-Encoding', 'chunked'], ['Expect', '100-continue']])('with %s twice is refused', (name, value) => {
    expect(typeof lint(['Host', 'x', ...(name === 'Host' ? [] : [name, value]), name.toUpperCase(), value])).toBe('string');
  });

  test('with a length and a transfer coding is refused, also when they agree (readers disagree on which one counts)', () => {
    for (const length of ['0', '5']) expect(lint({ 'Content-Length': length, 'Transfer-Encoding': 'chunked' })).toBe('The request has two lengths.');
  });

  test('a request head of another HTTP version: is refused; HTTP/1.0 has no transfer coding and no expectation', () => {
    for (const version of ['0.9', '2.0', '1.2', '']) expect(typeof lint({}, 'GET', version)).toBe('string');
    expect(typeof lint({ 'Transfer-Encoding': 'chunked' }, 'POST', '1.0')).toBe('string');
    expect(lint({ Expect: 'anything' }, 'POST', '1.0')).toMatchObject({ expectsContinue: false });
  });

  test('with a body is refused for GET and HEAD, without one it is not', () => {
    for (const method of ['GET', 'HEAD']) {
      expect(typeof lint({ 'Content-Length': '1' }, method)).toBe('string');
      expect(typeof lint({ 'Transfer-Encoding': 'chunked' }, method)).toBe('string');
      expect(typeof lint({ 'Content-Length': '0' }, method)).toBe('object');
    }
  });

  test('an accepted request head: has one Host, at most one length, and no coding but chunked', () => {
    const field = tuple(constantFrom('Host', 'host', 'Content-Length', 'content-length', 'Transfer-Encoding', 'TE', 'Expect', 'X'), constantFrom('localhost', '', '5', '05', '+5', 'chunked', 'Chunked', 'gzip, chunked', '100-continue', 'a b'));
    assert(property(array(field, { maxLength: 6 }), constantFrom('GET', 'POST', 'DELETE'), constantFrom('1.0', '1.1'), (fields, method, version) => {
      const linted = lint(fields.flat(), method, version);
      if (typeof linted === 'string') return;
      const named = (name: string): string[] => fields.filter(([candidate]) => candidate.toLowerCase() === name).map(([, value]) => value);
      expect(named('host').length).toBe(1);
      expect(named('content-length').length + named('transfer-encoding').length).toBeLessThanOrEqual(1);
      expect(linted.isChunked).toBe(named('transfer-encoding').length === 1);
      expect(String(linted.contentLength ?? '')).toBe(named('content-length')[0] ?? '');
    }), { numRuns: 3_000 });
  });

  test('a request head of any fields: is accepted or refused, never a crash', () => {
    assert(property(array(string(), { maxLength: 12 }), (texts) => {
      expect(['string', 'object']).toContain(typeof lint(texts.length % 2 === 0 ? texts : texts.slice(1)));
    }));
  });

  test.each([
    ['hyphens', (length: number): string => `${'a-'.repeat(length / 2)}!`], ['dots', (length: number): string => `${'a.'.repeat(length / 2)}-`],
    ['nothing but hyphens', (length: number): string => '-'.repeat(length)], ['colons', (length: number): string => `[${':'.repeat(length)}`],
  ] as const)('with a Host of 16 KB of %s is checked in time that grows with its length', async (_name, hostOf) => {
    const check = (length: number) => (): unknown => {
      let answer: unknown;
      for (let time = 0; time < 16_000 / length; time += 1) answer = lint(['Host', hostOf(length)]);
      return answer;
    };
    for (const length of [64, 16_000]) expect(typeof check(length)()).toBe('string');
    expect(await measureGrowth({ small: check(64), large: check(16_000), atMost: 4 })).toBeLessThan(4);
  });
});
