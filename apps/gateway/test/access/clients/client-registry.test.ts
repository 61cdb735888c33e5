import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { createClientKey, hashClientKey } from '../../../src/access/clients/client-key.ts';
import { createClientRegistry } from '../../../src/access/clients/client-registry.ts';
import { REFUSAL_REASONS, REFUSALS } from '../../../src/access/clients/refusal.ts';
import { createBearerAuthority, type BearerAuthority } from '../../../src/access/identity/bearer-authority.ts';
import { createPolicyBook } from '../../../src/access/policies/policy-book.ts';
import type { Authentication } from '../../../src/access/clients/authentication.ts';
import type { ClientRegistry } from '../../../src/access/clients/client-registry.ts';
import type { ClientConfig } from '../../../src/config/sections/clients-section.ts';
import type { Side } from '../../../src/request/request-record.ts';

const KEY = createClientKey();
const OTHER_KEY = createClientKey();
const OWN_KEY = 'sk-ant-api03-own';
const OAUTH = 'sk-ant-oat01-own';

/** Keys are looked up at once. */
interface KeyRegistry extends ClientRegistry {
  authenticate(rawHeaders: readonly string[], side?: Side): Authentication;
}

function registry(credentials: 'inject' | 'forward', clients: readonly ClientConfig[] = [], authority?: BearerAuthority): KeyRegistry {
  return createClientRegistry({ clients, policies: [], anthropic_native: { credentials } }, authority) as KeyRegistry;
}

const ONE: ClientConfig = { name: 'one', key_sha256: hashClientKey(KEY).toUpperCase() };
const TWO: ClientConfig = { name: 'two', key_sha256: hashClientKey(OTHER_KEY) };

describe('inject without clients', () => {
  it('inject without clients: every caller is anonymous, and credentials are neither read nor forwarded', () => {
    for (const rawHeaders of [[], ['x-api-key', 'a', 'authorization', 'Bearer b'], ['authorization', 'Basic x', 'x-api-key', '']]) {
      expect(registry('inject').authenticate(rawHeaders)).toEqual({ kind: 'client', name: 'anonymous', counterKey: 'anonymous', via: 'none', forwardCredentials: false });
    }
    expect(registry('inject').requiresKey).toBe(false);
  });
});

// An authority looks at each bearer first; what is no token is judged as without one.
describe.each([['alone', undefined], ['and identity', createBearerAuthority({ verifiers: [], policies: createPolicyBook([]) })]])('inject with clients %s', (_what, authority) => {
  const clients = registry('inject', [ONE, TWO], authority);

  it.each([
    ['x-api-key', ['X-Api-Key', KEY]],
    ['authorization', ['Authorization', `Bearer ${KEY}`]],
    ['authorization', ['authorization', `bearer  ${KEY} `]],
    ['both', ['x-api-key', KEY, 'authorization', `Bearer ${KEY}`]],
    ['x-penstock-key', ['x-penstock-key', KEY]],
    ['x-api-key', ['x-api-key', KEY, 'authorization', '']],
  ])('takes the key by %s: %j', (via, rawHeaders) => {
    expect(clients.authenticate(rawHeaders)).toMatchObject({ kind: 'client', name: 'one', via, forwardCredentials: false, client: { name: 'one' } });
  });

  it.each([
    ['no_credential', []],
    ['no_credential', ['x-api-key', ' ', 'cookie', KEY]],
    ['unknown_key', ['x-api-key', `${KEY}x`]],
    ['unknown_key', ['x-api-key', hashClientKey(KEY)]],
    ['unknown_key', ['x-api-key', KEY.toLowerCase()]],
    ['unequal_credentials', ['x-api-key', KEY, 'authorization', `Bearer ${OTHER_KEY}`]],
    ['unequal_credentials', ['authorization', `Bearer ${OTHER_KEY}`, 'Authorization', `Bearer ${KEY}`]],
    ['unequal_credentials', ['x-penstock-key', KEY, 'X-Penstock-Key', OTHER_KEY]],
    ['unknown_key', ['x-api-key', OWN_KEY, 'authorization', 'Bearer stale']],
    ['unknown_key', ['x-penstock-key', 'wrong', 'x-api-key', KEY]],
    ['unknown_key', ['x-penstock-key', 'wrong', 'authorization', `Bearer ${KEY}`]],
    ['malformed_credential', ['authorization', `Basic ${KEY}`]],
    ['malformed_credential', ['authorization', KEY]],
    ['malformed_credential', ['x-api-key', 'dummy', 'authorization', 'Bearer a b']],
  ])('refuses with %s: %j', (reason, rawHeaders) => {
    expect(clients.authenticate(rawHeaders)).toMatchObject({ kind: 'refused', reason });
  });

  it.each([
    ['x-penstock-key', ['x-penstock-key', KEY, 'x-api-key', OWN_KEY]],
    ['x-penstock-key', ['x-api-key', OTHER_KEY, 'authorization', `Bearer ${OAUTH}`, 'x-penstock-key', KEY]],
    ['x-penstock-key', ['x-penstock-key', KEY, 'authorization', 'Basic eDp5']],
    ['both', ['x-api-key', 'dummy', 'authorization', `Bearer ${KEY}`]],
    ['both', ['x-api-key', KEY, 'authorization', 'Bearer stale']],
    ['x-api-key', ['x-api-key', KEY, 'authorization', 'Basic eDp5']],
    ['x-api-key', ['x-api-key', 'dummy', 'x-api-key', KEY]],
  ])('the one known key admits beside dummies and old keys, x-penstock-key before all (SDKs send a key whatever is set): %s %j', (via, rawHeaders) => {
    for (const side of ['native', 'front_door'] as const) {
      expect(clients.authenticate(rawHeaders, side)).toMatchObject({ kind: 'client', name: 'one', via, forwardCredentials: false });
    }
  });

  it('the front door takes the same keys', () => {
    expect(clients.authenticate(['authorization', `Bearer ${OTHER_KEY}`], 'front_door')).toMatchObject({ name: 'two', forwardCredentials: false });
  });
});

describe('several keys of a client, and their ends', () => {
  const PAST = '2020-01-01';
  const THIRD = createClientKey();
  const keys: ClientConfig = { name: 'one', key_sha256: [hashClientKey(KEY), { sha256: hashClientKey(OTHER_KEY), expires_at: PAST }, { sha256: hashClientKey(THIRD), expires_at: '2999-01-01' }] };

  it('every key of a list admits as the one client, side by side (a rotation)', () => {
    for (const key of [KEY, THIRD]) expect(registry('inject', [keys]).authenticate(['x-api-key', key])).toMatchObject({ kind: 'client', name: 'one' });
    expect(registry('inject', [keys]).authenticate(['x-api-key', KEY, 'authorization', `Bearer ${THIRD}`])).toMatchObject({ kind: 'client', name: 'one' });
  });

  it('a key whose time is over is refused, and only its holder reads why', () => {
    for (const field of ['x-api-key', 'x-penstock-key']) expect(registry('inject', [keys]).authenticate([field, OTHER_KEY])).toMatchObject({ kind: 'refused', reason: 'key_expired', answer: { code: 'unauthenticated' } });
    expect(registry('inject', [keys]).authenticate(['x-api-key', `${OTHER_KEY}x`])).toMatchObject({ reason: 'unknown_key' });
    expect(registry('inject', [{ ...keys, expires_at: PAST }]).authenticate(['x-api-key', KEY])).toMatchObject({ reason: 'key_expired' });
    expect(registry('inject', [keys]).authenticate(['x-api-key', OTHER_KEY, 'authorization', `Bearer ${KEY}`])).toMatchObject({ kind: 'client', name: 'one' });
  });

  it('the end of a key is looked at with each request', () => {
    vi.useFakeTimers({ now: Date.parse('2026-06-01T00:00:00Z') });
    try {
      const clients = registry('inject', [{ name: 'one', key_sha256: [{ sha256: hashClientKey(KEY), expires_at: '2026-06-01T00:00:10Z' }] }]);
      vi.advanceTimersByTime(9_999);
      expect(clients.authenticate(['x-api-key', KEY])).toMatchObject({ kind: 'client' });
      vi.advanceTimersByTime(1);
      expect(clients.authenticate(['x-api-key', KEY])).toMatchObject({ reason: 'key_expired' });
    } finally {
      vi.useRealTimers();
    }
  });

  it('a key of ours whose time is over does not cross to Anthropic either', () => {
    const custom: ClientConfig = { name: 'one', key_sha256: [hashClientKey(KEY), { sha256: hashClientKey('a-self-chosen-key'), expires_at: PAST }] };
    expect(registry('forward', [custom]).authenticate(['x-penstock-key', KEY, 'x-api-key', 'a-self-chosen-key'])).toMatchObject({ reason: 'gateway_key_misplaced' });
  });

  it('a client without a key is known, and callers are not anonymous', () => {
    const clients = registry('inject', [{ name: 'one', key_sha256: [] }]);
    expect([clients.requiresKey, [...clients.clients.keys()]]).toEqual([true, ['one']]);
    expect(clients.authenticate([])).toMatchObject({ reason: 'no_credential' });
  });
});

describe('forward without clients', () => {
  it.each([
    ['x-api-key', ['x-api-key', OWN_KEY]], ['authorization', ['authorization', `Bearer ${OAUTH}`]], ['both', ['x-api-key', OWN_KEY, 'authorization', `Bearer ${OWN_KEY}`]],
  ])('the client\'s own credential crosses: %s', (via, rawHeaders) => {
    expect(registry('forward').authenticate(rawHeaders)).toEqual({ kind: 'client', name: 'anonymous', counterKey: 'anonymous', via, forwardCredentials: true });
  });

  it.each([
    ['no_upstream_credential', []],
    ['malformed_credential', ['authorization', 'Basic eDp5']],
    ['unequal_credentials', ['x-api-key', OWN_KEY, 'authorization', `Bearer ${OAUTH}`]],
    ['gateway_key_misplaced', ['x-api-key', KEY]],
  ])('refuses with %s: %j', (reason, rawHeaders) => {
    expect(registry('forward').authenticate(rawHeaders)).toMatchObject({ kind: 'refused', reason });
  });

  it('the front door forwards nothing: its backends have keys of their own', () => {
    expect(registry('forward').authenticate(['authorization', `Bearer ${OAUTH}`], 'front_door')).toEqual({ kind: 'client', name: 'anonymous', counterKey: 'anonymous', via: 'none', forwardCredentials: false });
  });
});

describe('forward with clients', () => {
  const clients = registry('forward', [ONE, { ...TWO, key_sha256: hashClientKey('a-self-chosen-key') }]);

  it.each([['x-api-key', OWN_KEY], ['authorization', `Bearer ${OAUTH}`]])('takes the gateway\'s key in x-penstock-key beside the client\'s own in %s', (field, value) => {
    expect(clients.authenticate([field, value, 'X-Penstock-Key', KEY])).toMatchObject({ kind: 'client', name: 'one', via: 'x-penstock-key', forwardCredentials: true });
  });

  it('takes a credential of Anthropic\'s that happens to hold our prefix', () => {
    expect(clients.authenticate(['x-api-key', 'sk-ant-api03-Apen_ABC', 'x-penstock-key', KEY])).toMatchObject({ kind: 'client' });
  });

  it.each([
    ['no_gateway_key', ['x-api-key', OWN_KEY]],
    ['unknown_key', ['x-api-key', OWN_KEY, 'x-penstock-key', 'wrong']],
    ['unequal_credentials', ['x-api-key', OWN_KEY, 'x-penstock-key', KEY, 'x-penstock-key', OTHER_KEY]],
    ['no_upstream_credential', ['x-penstock-key', KEY]],
    ['gateway_key_misplaced', ['x-api-key', KEY]],
    ['gateway_key_misplaced', ['x-penstock-key', KEY, 'authorization', `Bearer ${createClientKey()}`]],
    ['gateway_key_misplaced', ['x-penstock-key', KEY, 'x-api-key', 'a-self-chosen-key']],
    ['gateway_key_misplaced', ['x-penstock-key', KEY, 'x-api-key', 'Bearer a-self-chosen-key']],
    ['gateway_key_misplaced', ['x-penstock-key', KEY, 'x-api-key', `Bearer ${KEY}`]],
    ['gateway_key_misplaced', ['x-penstock-key', KEY, 'authorization', `Bearer key=${KEY}`]],
  ])('refuses with %s, so that no key of ours reaches Anthropic: %j', (reason, rawHeaders) => {
    expect(clients.authenticate(rawHeaders)).toMatchObject({ kind: 'refused', reason });
  });
});

describe('a refusal', () => {
  it('refusals: a wrong key and a malformed one get the same response (a guesser learns nothing)', () => {
    expect(REFUSALS.unknown_key).toBe(REFUSALS.malformed_credential);
    for (const reason of REFUSAL_REASONS) expect(REFUSALS[reason].message).toMatch(/gateway|token of this request|sign-in of this request/);
  });

  it('authentication: never crashes and never forwards an unauthenticated request, whatever the headers', () => {
    const name = fc.constantFrom('x-api-key', 'authorization', 'x-penstock-key', 'X-API-KEY', 'cookie');
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(KEY, OTHER_KEY, `Bearer ${KEY}`, `bearer  bearer ${OTHER_KEY}`, `Bearer ${OAUTH}`, OWN_KEY, 'Bearer '));
    const lines = fc.array(fc.tuple(name, value), { maxLength: 4 }).map((pairs) => pairs.flat());
    fc.assert(fc.property(lines, fc.constantFrom('inject' as const, 'forward' as const), (rawHeaders, mode) => {
      const result = registry(mode, [ONE, TWO]).authenticate(rawHeaders);
      if (result.kind === 'refused') return;
      expect(rawHeaders.join()).toContain(result.name === 'one' ? KEY : OTHER_KEY);
      expect(result.forwardCredentials).toBe(mode === 'forward');
      const crossing = rawHeaders.filter((_value, index) => index % 2 === 1 && /^(?:x-api-key|authorization)$/i.test(rawHeaders[index - 1] ?? ''));
      if (result.forwardCredentials) expect(crossing.join()).not.toMatch(/pen_[\w-]{43}/);
    }), { numRuns: 1_000 });
  });
});
