// The keys of an issuer while that issuer is slow, down, rotates, or sends us elsewhere.
import type { RequestListener } from 'node:http';
import { pino } from 'pino';
import { afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createIdentity, type Identity } from '../../../src/access/identity/identity.ts';
import type { BearerAuthority } from '../../../src/access/identity/bearer-authority.ts';
import { KEY_TIMING, type KeyTiming } from '../../../src/access/identity/issuer-keys.ts';
import { gatewayConfigSchema, type GatewayConfig } from '../../../src/config/gateway-config.ts';
import { AUDIENCE, createSigningKey, goodClaims, signToken, startOpenIdProvider, type OpenIdProvider, type SigningKey } from './openid-provider.ts';

let first: SigningKey;
let next: SigningKey;
let provider: OpenIdProvider;
let config: GatewayConfig;
let identity: Identity | undefined;

beforeAll(async () => {
  [first, next] = await Promise.all([createSigningKey('first'), createSigningKey('next')]);
});
beforeEach(async () => {
  provider = await startOpenIdProvider([first]);
  config = gatewayConfigSchema.parse({ identity: { issuers: [{ name: 'idp', issuer: provider.issuer, audience: [AUDIENCE], require: { owner: ['acme'] } }] }, policies: [{ name: 'rest', match: {} }] });
});
afterEach(async () => {
  identity?.close();
  await provider.close();
});

function open(timing: Partial<KeyTiming>): BearerAuthority {
  identity = createIdentity({ logger: pino({ level: 'silent' }), keyTiming: timing });
  return again();
}

/** The authority after a reload. */
function again(): BearerAuthority {
  const authority = identity?.authorityFor(config);
  if (authority === undefined) throw new Error('there is no authority');
  return authority;
}

const verdict = async (authority: BearerAuthority, token: string): Promise<string> => {
  const identified = await authority.identify(token, token);
  return identified.kind === 'refused' ? identified.reason : identified.kind;
};
const tokenOf = (key: SigningKey, id = '1'): Promise<string> => signToken(key, goodClaims(provider.issuer, { jti: id }));
const fetches = (): number => provider.requested.filter((path) => path === '/jwks').length;
const answer = (status: number, body: string, fields: Readonly<Record<string, string>> = {}): RequestListener => (_request, response) => { response.writeHead(status, fields).end(body); };
const hang: RequestListener = () => undefined;
const discovery = (changes: object): RequestListener => (request, response) => {
  response.end(JSON.stringify(request.url === '/jwks' ? { keys: [first.publicJwk] } : { issuer: provider.issuer, jwks_uri: `${provider.issuer}/jwks`, ...changes }));
};

const invented = (batch: string): Promise<string[]> => Promise.all(Array.from({ length: 30 }, (_, index) => signToken(next, goodClaims(provider.issuer), { kid: `${batch}-${index}` })));
/** One after the other. */
async function verdicts(authority: BearerAuthority, tokens: readonly string[]): Promise<string[]> {
  const seen: string[] = [];
  for (const token of tokens) seen.push(await verdict(authority, token));
  return seen;
}

/** A clock of `performance` that a test sets forward. */
function movableClock(): { advance(ms: number): void } {
  const now = performance.now.bind(performance);
  let aheadMs = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => aheadMs + now());
  onTestFinished(() => { clock.mockRestore(); });
  return { advance: (ms) => { aheadMs += ms; } };
}

/** Keeps what the provider is asked for until it is released; later requests go to the provider. */
function holdAnswers(): { count(): number; release(listener: RequestListener): void } {
  const waiting: Parameters<RequestListener>[] = [];
  provider.answerWith((...exchange) => { waiting.push(exchange); });
  return {
    count: () => waiting.length,
    release(listener) {
      // Both documents of the fetch that is under way.
      provider.answerWith((request, response) => {
        if (request.url === '/jwks') provider.answerWith(undefined);
        listener(request, response);
      });
      for (const exchange of waiting) listener(...exchange);
    },
  };
}

describe('a signing key that was rotated', () => {
  test('is fetched once by all tokens that name it, and the withdrawn one is good no longer, remembered or not', async () => {
    const authority = open({ cooldownMs: 0 });
    const old = await tokenOf(first);
    expect(await verdict(authority, old)).toBe('person');
    provider.rotate([next]);
    expect(await verdict(authority, old)).toBe('person');
    const before = fetches();
    const tokens = await Promise.all(Array.from({ length: 20 }, (_, index) => tokenOf(next, String(index))));
    expect(new Set(await Promise.all(tokens.map((token) => verdict(authority, token))))).toEqual(new Set(['person']));
    expect(fetches() - before).toBe(1);
    expect(await verdict(authority, old)).toBe('token_key');
  });

  test('leaves remembered tokens alone while the old key is still published', async () => {
    const authority = open({ cooldownMs: 0 });
    const old = await tokenOf(first);
    await verdict(authority, old);
    provider.rotate([next, first]);
    expect(await verdict(authority, await tokenOf(next))).toBe('person');
    expect(authority.identify(old, old)).not.toBeInstanceOf(Promise);
  });

  test('is known at once with the clocks as they are documented, three times in a row', async () => {
    const authority = open({});
    expect(await verdict(authority, await tokenOf(first))).toBe('person');
    for (const kid of ['second', 'third', 'fourth']) {
      const key = await createSigningKey(kid, 'ES256');
      provider.rotate([key, first]);
      expect(await verdict(authority, await provider.issue({ owner: 'acme' }))).toBe('person');
    }
    expect(fetches()).toBe(4);
  });

  test('asks no more than once in the cool-down for one key, whatever tokens name it', async () => {
    const authority = open({ cooldownMs: 3_600_000 });
    expect(await verdict(authority, await tokenOf(first))).toBe('person');
    for (let index = 0; index < 10; index += 1) expect(await verdict(authority, await tokenOf(next, String(index)))).toBe('token_key');
    expect(fetches()).toBe(2);
    // What is left is for keys that were not looked for yet.
    provider.rotate([first, next]);
    expect(await verdict(authority, await tokenOf(next, 'published'))).toBe('token_key');
    const third = await createSigningKey('third');
    provider.rotate([first, third]);
    expect(await verdict(authority, await tokenOf(third))).toBe('person');
    expect(fetches()).toBe(3);
  });

  test('tokens with invented keys cause three fetches and then one in each cool-down, and what is held stays good', async () => {
    const clock = movableClock();
    const authority = open({ cooldownMs: 3_600_000 });
    expect(await verdict(authority, await tokenOf(first))).toBe('person');
    expect(await verdicts(authority, await invented('a'))).toEqual([...Array<string>(3).fill('token_key'), ...Array<string>(27).fill('unavailable')]);
    expect(fetches()).toBe(4);
    expect(new Set(await verdicts(authority, await invented('b')))).toEqual(new Set(['unavailable']));
    expect(fetches()).toBe(4);
    expect(await verdict(authority, await tokenOf(first, 'held'))).toBe('person');
    clock.advance(3_600_000);
    await verdicts(authority, await invented('c'));
    expect(fetches()).toBe(5);
    clock.advance(20 * 3_600_000);
    await verdicts(authority, await invented('d'));
    expect(fetches()).toBe(8);
  });

  test('is never refused while invented keys have used up the fetches: its tokens are to be retried until the next fetch brings it', async () => {
    const authority = open({ cooldownMs: 400, waitMs: 100 });
    expect(await verdict(authority, await tokenOf(first))).toBe('person');
    await verdicts(authority, await invented('a'));
    provider.rotate([first, next]);
    const token = await tokenOf(next);
    const seen: string[] = [];
    // A client that retries, under a steady stream of inventions.
    await expect.poll(async () => {
      await verdicts(authority, await invented(`b${seen.length}`));
      seen.push(await verdict(authority, token));
      return seen.at(-1);
    }, { timeout: 20_000 }).toBe('person');
    expect(new Set(seen)).toEqual(seen.length === 1 ? new Set(['person']) : new Set(['unavailable', 'person']));
  });

  test('is waited for where the next fetch may begin within the time that a request waits, by all of its tokens', async () => {
    const authority = open({ cooldownMs: 500, waitMs: 30_000 });
    expect(await verdict(authority, await tokenOf(first))).toBe('person');
    await verdicts(authority, (await invented('a')).slice(0, 3));
    provider.rotate([first, next]);
    const before = fetches();
    const tokens = await Promise.all(['1', '2', '3'].map((id) => tokenOf(next, id)));
    expect(await Promise.all(tokens.map((token) => verdict(authority, token)))).toEqual(['person', 'person', 'person']);
    expect(fetches() - before).toBe(1);
  });

  test('that is invented is refused once a fetch has shown that it is absent, without another fetch', async () => {
    const clock = movableClock();
    const authority = open({ cooldownMs: 3_600_000 });
    expect(await verdict(authority, await tokenOf(first))).toBe('person');
    const tokens = await invented('a');
    await verdicts(authority, tokens);
    clock.advance(3_600_000);
    // Named before this fetch began: it is about all of them.
    expect(new Set(await verdicts(authority, tokens))).toEqual(new Set(['token_key']));
    expect(fetches()).toBe(5);
  });

  test('is looked for once more where the fetch under way began before its first token', async () => {
    const authority = open({ cooldownMs: 3_600_000 });
    expect(await verdict(authority, await tokenOf(first))).toBe('person');
    // Answered with the keys from before the rotation.
    const held = holdAnswers();
    const other = verdict(authority, await signToken(next, goodClaims(provider.issuer), { kid: 'invented' }));
    await expect.poll(() => held.count()).toBe(1);
    const rotated = verdict(authority, await tokenOf(next));
    held.release(discovery({}));
    provider.rotate([first, next]);
    expect(await Promise.all([other, rotated])).toEqual(['token_key', 'person']);
  });

  test('is not looked for where the token is refused by its claims whatever key signed it', async () => {
    const authority = open({ cooldownMs: 3_600_000 });
    expect(await verdict(authority, await tokenOf(first))).toBe('person');
    const past = Math.floor(Date.now() / 1000) - 3_600;
    const claims: readonly [reason: string, changes: Readonly<Record<string, unknown>>][] = [
      ['token_audience', { aud: 'another' }], ['token_expired', { exp: past }], ['token_not_yet_valid', { nbf: past + 7_200 }], ['token_too_old', { iat: past - 90_000 }],
      ['token_claims', { exp: undefined }], ['token_claims', { sub: undefined }], ['token_claims', { owner: 'another' }],
    ];
    for (const [reason, changes] of claims) expect(await verdict(authority, await signToken(next, goodClaims(provider.issuer, changes)))).toBe(reason);
    expect(fetches()).toBe(1);
  });

  test('is noticed without any token by the refresh', async () => {
    const authority = open({ cooldownMs: 0, refreshMs: 1 });
    expect(await verdict(authority, await tokenOf(first))).toBe('person');
    await expect.poll(fetches).toBeGreaterThan(2);
  });
});

describe('an issuer that is down', () => {
  test('leaves its keys good, over reloads too', async () => {
    const authority = open({ cooldownMs: 0 });
    expect(await verdict(authority, await tokenOf(first))).toBe('person');
    provider.answerWith(answer(500, 'down'));
    expect(await verdict(authority, await tokenOf(first, '2'))).toBe('person');
    expect(await verdict(again(), await tokenOf(first, '3'))).toBe('person');
    // Of an unknown key nothing can be said now.
    expect(await verdict(again(), await tokenOf(next))).toBe('unavailable');
  });

  test('leaves its keys good for 24 hours and no longer', async () => {
    const authority = open({ cooldownMs: 0 });
    const token = await tokenOf(first);
    expect(await verdict(authority, token)).toBe('person');
    provider.answerWith(answer(500, 'down'));
    const now = performance.now.bind(performance);
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 86_000_000);
    try {
      expect(await verdict(authority, token)).toBe('person');
      clock.mockImplementation(() => now() + 2 * 86_400_000);
      expect(await verdict(authority, token)).toBe('unavailable');
    } finally {
      clock.mockRestore();
    }
  });

  test('is a warning while it is down, and well again by itself', async () => {
    const authority = open({ cooldownMs: 0 });
    provider.answerWith(answer(500, 'down'));
    expect(await verdict(authority, await tokenOf(first))).toBe('unavailable');
    expect(identity?.conditions()).toEqual({ issuer_idp: { cause: 'issuer_failing', party: 'idp', since: expect.any(Number) as number } });
    provider.answerWith(undefined);
    await expect.poll(() => identity?.conditions()).toEqual({});
  });

  test('has 24 hours by default, a refresh each ten minutes, three fetches at once and one more each ten seconds, two seconds of waiting', () => {
    expect(KEY_TIMING).toEqual({ refreshMs: 600_000, cooldownMs: 10_000, burst: 3, waitMs: 2_000, maxWaiters: 256, staleMs: 86_400_000 });
  });
});

describe('an issuer that is slow', () => {
  test('holds a request for a bounded time, and so many requests at most', async () => {
    provider.answerWith(hang);
    const authority = open({ waitMs: 50, maxWaiters: 2 });
    const tokens = await Promise.all(['1', '2', '3', '4'].map((id) => tokenOf(first, id)));
    expect(await Promise.all(tokens.map((token) => verdict(authority, token)))).toEqual(['unavailable', 'unavailable', 'unavailable', 'unavailable']);
    // A machine under load may have sent it only now.
    await expect.poll(() => provider.requested).toHaveLength(1);
  });

  test('is waited for by all requests together, and serves them all', async () => {
    let release: (() => void) | undefined;
    provider.answerWith((request, response) => {
      release = () => {
        provider.answerWith(undefined);
        discovery({})(request, response);
      };
    });
    const authority = open({ waitMs: 30_000 });
    const all = Promise.all(['1', '2', '3'].map(async (id) => verdict(authority, await tokenOf(first, id))));
    await expect.poll(() => release).toBeDefined();
    release?.();
    expect(await all).toEqual(['person', 'person', 'person']);
  });
});

describe('a document of an issuer is not taken', () => {
  test.each<[what: string, listener: (issuer: string) => RequestListener]>([
    ['of another issuer', () => discovery({ issuer: 'https://evil.example' })],
    ['that names keys at a metadata service', () => discovery({ jwks_uri: 'https://169.254.169.254/latest/meta-data' })],
    ['that names keys at a metadata service, unencrypted', () => discovery({ jwks_uri: 'http://169.254.169.254/latest/meta-data' })],
    ['that names keys on another machine, unencrypted', () => discovery({ jwks_uri: 'http://keys.example/jwks' })],
    ['that names a file', () => discovery({ jwks_uri: 'file:///etc/passwd' })],
    ['that names no keys', () => discovery({ jwks_uri: undefined })],
    ['that is a redirect', (issuer) => answer(302, '', { location: `${issuer}/jwks` })],
    ['that is no JSON', () => answer(200, '<html>')],
    ['that is longer than 256 KiB', () => answer(200, JSON.stringify({ issuer: 'x'.repeat(300_000) }))],
    ['that is a list', () => answer(200, '[]')],
  ])('%s', async (_what, listener) => {
    provider.answerWith(listener(provider.issuer));
    const authority = open({});
    expect(await verdict(authority, await tokenOf(first))).toBe('unavailable');
  });

  test.each<[what: string, keys: unknown]>([
    ['without keys', []], ['with a symmetric key only', [{ kty: 'oct', k: 'AAAA', kid: 'first' }]], ['with a key for encryption only', 'enc'], ['with more than 100 keys', 'many'],
  ])('with keys %s', async (_what, given) => {
    const keys = given === 'enc' ? [{ ...first.publicJwk, use: 'enc' }] : given === 'many' ? Array.from({ length: 101 }, () => first.publicJwk) : given;
    provider.answerWith((request, response) => {
      if (request.url === '/jwks') response.end(JSON.stringify({ keys }));
      else discovery({})(request, response);
    });
    expect(await verdict(open({}), await tokenOf(first))).toBe('unavailable');
  });
});

test('an issuer without a discovery document: its keys are where the configuration says', async () => {
  const [issuer] = config.identity.issuers;
  provider.answerWith((request, response) => {
    if (request.url === '/keys') response.end(JSON.stringify({ keys: [first.publicJwk] }));
    else answer(404, '')(request, response);
  });
  config = { ...config, identity: { issuers: [{ ...issuer as NonNullable<typeof issuer>, jwks_uri: `${provider.issuer}/keys` }] } };
  expect(await verdict(open({}), await tokenOf(first))).toBe('person');
  expect(provider.requested).toEqual(['/keys']);
});
