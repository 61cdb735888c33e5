import { isIP } from 'node:net';
import { z } from 'zod';

/**
 * Metadata of a key that a reload applies without a restart, with everything below it. The reload, its log and the documentation read it
 * (`reloadablePaths`); it stands in the JSON Schema, too.
 */
export const RELOADABLE: { readonly 'x-reloadable': true } = { 'x-reloadable': true };

/** Longest configurable span in seconds: a day. Node's timers overflow at 24.8 days and fire at once, so a typo must not get there. */
export const MAX_SECONDS = 86_400;

const MAX_COUNT = 1_000_000_000;
const HOST_NAME = /^(?!-)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.?$/;
const HEADER_PATTERN = /^[!#$%&'+.^_`|~0-9A-Za-z-]+\*?$/;

/** A span in seconds that must be longer than nothing. */
export function seconds(): z.ZodNumber {
  const expected = `a number of seconds above 0 and at most ${MAX_SECONDS}`;
  return z.number(expected).gt(0, expected).max(MAX_SECONDS, expected);
}

/** A span in seconds where 0 means none. */
export function secondsOrNone(): z.ZodNumber {
  const expected = `a number of seconds from 0 to ${MAX_SECONDS}`;
  return z.number(expected).min(0, expected).max(MAX_SECONDS, expected);
}

/** A whole number within bounds. */
export function count(minimum: number, maximum: number = MAX_COUNT): z.ZodNumber {
  const expected = maximum === MAX_COUNT && minimum === 1 ? 'a positive integer' : `an integer from ${minimum} to ${maximum}`;
  return z.number(expected).int(expected).min(minimum, expected).max(maximum, expected);
}

/** A part of a whole: more than nothing, at most all of it. */
export function share(): z.ZodNumber {
  const expected = 'a number above 0 and at most 1';
  return z.number(expected).gt(0, expected).max(1, expected);
}

/** A TCP port; 0 lets the system choose. */
export function port(): z.ZodNumber {
  return count(0, 65_535);
}

/** true or false, not a string of it. */
export function flag(): z.ZodBoolean {
  return z.boolean('true or false');
}

/** A string of at least one character, described by what it should hold. */
export function text(expected: string): z.ZodString {
  return z.string(expected).min(1, expected);
}

/** A string that must pass a check; `expected` is the text of a problem. */
export function checkedText(expected: string, isValid: (value: string) => boolean): z.ZodString {
  return text(expected).refine(isValid, { error: expected });
}

/** A name or address to bind or to accept, without a port. */
export function hostName(): z.ZodString {
  return checkedText('a host name or an IP address, without a port', isHostName);
}

/** Whether a string can be a host: a name, an IPv4 or an IPv6 address (without brackets). */
export function isHostName(value: string): boolean {
  return isIP(value) !== 0 || (value.length <= 253 && HOST_NAME.test(value));
}

/** An absolute URL with one of the schemes, without credentials, query or fragment. */
export function baseUrl(schemes: readonly string[] = ['https:', 'http:']): z.ZodString {
  const expected = `an absolute ${schemes.map((scheme) => `${scheme}//`).join(' or ')} URL without credentials, query or fragment`;
  return checkedText(expected, (value) => {
    const url = URL.parse(value);
    if (url === null || !schemes.includes(url.protocol)) return false;
    return url.username === '' && url.password === '' && !/[?#\s]/.test(value);
  });
}

/** The name of a header field, or a prefix of names ending in `*`. */
export function headerPattern(): z.ZodString {
  return checkedText('a header name, or the start of one followed by *', (value) => HEADER_PATTERN.test(value));
}

/** A model's name, where `*` stands for any characters. */
export function modelPattern(): z.ZodString {
  return text('a model name, in which * stands for any characters').max(256, 'a model name of at most 256 characters');
}

/** Certificates or keys: PEM text, or the path of a file that holds it. */
export function pem(what: string): z.ZodString {
  return checkedText(`${what}: PEM text, or the path of a PEM file`, (value) => value.includes('-----BEGIN '));
}

/** A list of at most 1000 entries. */
export function list<Item extends z.ZodType>(item: Item): z.ZodArray<Item> {
  return z.array(item, 'a list').max(1_000, 'a list of at most 1000 entries');
}

/** The URL of an egress proxy, credentials allowed. */
export function proxyUrl(): z.ZodString {
  return checkedText('an http:// or https:// URL of a proxy, without a path', (value) => {
    const url = URL.parse(value);
    return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.pathname === '/' && !/[?#\s]/.test(value);
  });
}

/** An Anthropic or OpenAI key as it goes into a header field. Quotation marks are part of no key: `docker run --env-file` keeps those of its file. */
export function apiKey(): z.ZodString {
  return text('an API key').max(4_096, 'an API key').regex(/^[\x21-\x7e]+$/, 'an API key without spaces or line breaks')
    .regex(/^[^"'`](?:.*[^"'`])?$/, 'an API key without quotation marks around it (docker run --env-file keeps those of its file)');
}

/** A value of `anthropic-version`. */
export function apiVersion(): z.ZodString {
  const expected = 'a version such as 2023-06-01';
  return text(expected).regex(/^[\w.-]{1,64}$/, expected);
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** One label of a host name. */
export function label(what: string): z.ZodString {
  return checkedText(`${what}, of letters, digits and dashes`, (value) => LABEL.test(value));
}

/** A text that may stand in a header field. */
export function fieldText(what: string): z.ZodString {
  return checkedText(what, (value) => /^[\x21-\x7e]{1,256}$/.test(value));
}
