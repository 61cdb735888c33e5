import * as fc from 'fast-check';

/** Names that policies treat specially, and some that they do not know. */
const TELLING_NAMES = [
  'accept', 'accept-encoding', 'content-type', 'content-encoding', 'content-length', 'user-agent', 'anthropic-version', 'anthropic-beta', 'anthropic-new',
  'x-stainless-os', 'x-claude-code-agent-id', 'x-app', 'traceparent', 'via', 'authorization', 'x-api-key', 'x_api_key', 'proxy-authorization', 'api-key',
  'cookie', 'set-cookie', 'connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'expect', 'host', 'x-forwarded-for', 'forwarded',
  'cf-ray', 'x-penstock-client', 'x-penstock-error', 'alt-svc', 'strict-transport-security', 'access-control-allow-origin', 'request-id', 'retry-after',
  'x-team', '__proto__', 'constructor', 'http2-settings', 'proxy-connection', 'x-accel-redirect',
];

const TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz";
const VALUE_CHARACTERS = ['\t', ...Array.from({ length: 256 }, (_, code) => code).filter((code) => code >= 0x20 && code !== 0x7f).map((code) => String.fromCharCode(code))];

/** A name in any case. */
export const fieldName: fc.Arbitrary<string> = fc.tuple(
  fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...TELLING_NAMES) }, fc.string({ unit: fc.constantFrom(...TOKEN_CHARACTERS.split('')), minLength: 1, maxLength: 80 })),
  fc.infiniteStream(fc.boolean()),
).map(([name, cases]) => name.split('').map((character) => (cases.next().value === true ? character.toUpperCase() : character)).join(''));

const connectionValue = fc.array(fc.oneof(fc.constantFrom('close', 'keep-alive', 'x-app', 'X-Team', 'user-agent', 'te', 'request-id', ''), fieldName), { maxLength: 4 })
  .map((options) => options.join(' , '));

/** A value that HTTP allows, without the whitespace around it that a parser removes. */
export const fieldValue: fc.Arbitrary<string> = fc.string({ unit: fc.constantFrom(...VALUE_CHARACTERS), maxLength: 40 }).map((value) => value.trim());

/** A well-formed field section of up to 30 fields. */
export const fieldSection: fc.Arbitrary<string[]> = fc.array(
  fieldName.chain((name) => fc.tuple(fc.constant(name), name.toLowerCase() === 'connection' ? connectionValue : fieldValue)), { maxLength: 30 },
).map((fields) => fields.flat());

/** Any strings at all: what a policy must survive, not what it must forward. */
export const hostileSection: fc.Arbitrary<string[]> = fc.array(
  fc.oneof(fieldName, fieldValue, fc.string({ unit: 'binary', maxLength: 60 }), fc.constantFrom('\r\nx-api-key: smuggled', 'a\0', '\u010a', '\x7f', 'Connection', 'content-length', '12')),
  { maxLength: 40 },
);
