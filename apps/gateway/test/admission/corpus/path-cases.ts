import { cases, get, type RequestCase } from './request-case.ts';

const target = (path: string): string => get('', path.includes('?') ? path : `${path}?case={id}`);

/** Paths that some server behind us could normalise into an admin route, which our key would open. */
const ADMIN_BYPASSES = [
  '/anthropic/v1/files/../organizations/api_keys', '/anthropic/v1/files/./../organizations/api_keys', '/anthropic/v1/files/..', '/anthropic/v1/files/.', '/anthropic/../v1/organizations/x',
  '/anthropic/v1/files/%2e%2e/organizations/x', '/anthropic/v1/files/%2E%2E/organizations/x', '/anthropic/v1/files/.%2e/organizations/x', '/anthropic/v1/files/%2e./organizations/x',
  '/anthropic/v1/files/..%2forganizations/x', '/anthropic/v1/files/%2e%2e%2forganizations/x', '/anthropic/v1/files/..%2Forganizations/x', '/anthropic/v1/files/..%5corganizations/x', '/anthropic/v1/files/..%5Corganizations/x',
  '/anthropic/v1/files/..\\organizations\\x', '/anthropic/v1/files\\..\\organizations', '/anthropic/v1/files/%252e%252e/organizations/x', '/anthropic/v1/files/..%252forganizations/x', '/anthropic/v1/files/%25252e%25252e/organizations/x',
  '/anthropic/v1/files/..;/organizations/x', '/anthropic/v1/files;x=/../organizations/x', '/anthropic/v1/files/..%3b/organizations/x', '/anthropic/v1/files/..%3B/organizations/x',
  '/anthropic/v1//organizations/x', '//anthropic/v1/files', '/anthropic//v1/files', '/anthropic/v1/files//', '/anthropic/v1/files/x/', '/anthropic/',
  '/anthropic/v1/files/%00', '/anthropic/v1/files/x%00/../organizations', '/anthropic/v1/files/%0d%0aX-Api-Key:%20x', '/anthropic/v1/files/%0a', '/anthropic/v1/files/%7f', '/anthropic/v1/files/%09',
  '/anthropic/v1/files/%', '/anthropic/v1/files/%2', '/anthropic/v1/files/%zz', '/anthropic/v1/files/%u002e%u002e/organizations', '/anthropic/v1/files/%c0%ae%c0%ae/organizations', '/anthropic/v1/files/%c0%af', '/anthropic/v1/files/%e0%80%ae',
  '/anthropic/v1/files/%C1%9C', '/anthropic/v1/%6frganizations/x', '/anthropic/v1/%6Frganizations/x', '/anthropic/v1/organization%73/x', '/anthropic/%76%31/organizations/x', '/anthropic/v1/tunnels/t/reveal%5ftoken', '/anthropic/v1/tunnels/t/%72eveal_token',
  '/%61nthropic/v1/models', '/anthropic/v1/models%23x', '/anthropic/v1/files#/../organizations', '/anthropic/v1/files?case={id}#x',
];

/** What only a wrong base URL makes. */
const MISDIRECTED = ['/anthropic/messages', '/anthropic/v1/v1/models', '/v1/messages', '/v1/v1/models', '/messages'];
const UNKNOWN = [
  '/anthropic/v1/organizations/api_keys', '/anthropic/v1/organizations', '/anthropic/v1/ORGANIZATIONS/api_keys', '/anthropic/v1/oauth/token', '/anthropic/v1/compliance/x', '/anthropic/v1/tunnels/t/reveal_token',
  '/anthropic/v1/nothing', '/anthropic/v1', '/anthropic', '/anthropicx/v1/models', '/ANTHROPIC/v1/models', '/anthropic/V1/models', '/anthropic/v2/models', '/anthropic/v1/Models', '/metrics', '/favicon.ico', '/.well-known/x',
];

const FORWARDED = [
  '/anthropic/v1/models?case={id}', '/anthropic/v1/models?case={id}&after_id=%2e%2e%2f', '/anthropic/v1/models?case={id}&a=//b/../c;d', '/anthropic/v1/models?case={id}&x=?y=z', '/anthropic/v1/models?case={id}&x=\\..\\',
  '/anthropic/v1/models/claude-x?case={id}', '/anthropic/v1/models/claude@2026?case={id}', '/anthropic/v1/models/a:b?case={id}', '/anthropic/v1/models/...?case={id}', '/anthropic/v1/models/..x?case={id}', '/anthropic/v1/models/%C3%A9?case={id}',
  '/anthropic/v1/models/a%20b?case={id}', '/anthropic/v1/models/a%2Bb?case={id}', '/anthropic/v1/files/file_1/content?case={id}', "/anthropic/v1/models/!$&'()*+,=?case={id}", '/anthropic/v1/models?case={id}&<>"{}|^`',
];

/** Targets as they arrive; what may pass crosses byte for byte. */
export const PATH_CASES: readonly RequestCase[] = [
  ...cases('refuse', 'path', Object.fromEntries(ADMIN_BYPASSES.map((path) => [path, target(path)]))),
  ...cases('refuse', 'path', Object.fromEntries(UNKNOWN.map((path) => [path, target(path)])), { status: 404 }),
  ...cases('refuse', 'path', Object.fromEntries(MISDIRECTED.map((path) => [path, target(path)])), { status: 421 }),
  ...cases('forward', 'path', Object.fromEntries(FORWARDED.map((path) => [path, target(path)]))),
];
