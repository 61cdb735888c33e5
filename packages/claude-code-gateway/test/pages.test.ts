import { createPageBrowser, type BrowsedPage, type PageBrowser } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { DEVICE_GRANT, startTestGateway, type TestGateway } from './support/start-test-gateway.ts';

interface Begun {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly browser: PageBrowser;
  readonly page: BrowsedPage;
}

async function begin(gateway: TestGateway): Promise<Begun> {
  const { json } = await gateway.post('/oauth/device_authorization', {}, { 'user-agent': '<script>alert(1)</script>' });
  const browser = createPageBrowser();
  return { deviceCode: String(json['device_code']), userCode: String(json['user_code']), browser, page: await browser.open(String(json['verification_uri_complete'])) };
}

/** Types the code of the page and stops before the provider: the browser then waits for its callback. The answer's `location` is where it would go. */
async function typeCode(gateway: TestGateway, browser: PageBrowser, page: BrowsedPage, userCode: string): Promise<URL> {
  const answer = await fetch(`${gateway.base}/device`, {
    method: 'POST', redirect: 'manual', body: new URLSearchParams({ user_code: userCode, csrf: fieldOf(page, 'csrf') }),
    headers: { origin: new URL(gateway.base).origin, cookie: cookiesOf(browser, page.url) },
  });
  const [name = '', value = ''] = answer.headers.getSetCookie()[0]?.split(';')[0]?.split('=') ?? [];
  browser.cookies.get(new URL(page.url).origin)?.set(name, value);
  return new URL(answer.headers.get('location') ?? '');
}

const poll = async (gateway: TestGateway, deviceCode: string): Promise<unknown> => (await gateway.post('/oauth/token', { grant_type: DEVICE_GRANT, device_code: deviceCode })).json['error'];
const cookiesOf = ({ cookies }: PageBrowser, url: string): string => [...cookies.get(new URL(url).origin) ?? []].map(([name, value]) => `${name}=${value}`).join('; ');
const fieldOf = ({ text }: BrowsedPage, name: string): string => new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? '';

describe('pages: what a browser may do with them', () => {
  test('pages: no other site may frame them, no script runs, nothing is cached, and forms lead here and to the provider', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const { page, browser } = await begin(gateway);
    const confirm = await browser.submit(page);
    for (const shown of [page, confirm]) {
      const csp = shown.headers.get('content-security-policy') ?? '';
      expect(csp).toContain('default-src \'none\'');
      expect(csp).toContain('frame-ancestors \'none\'');
      expect(csp).toContain('base-uri \'none\'');
      expect(csp).not.toContain('unsafe');
      expect(['x-frame-options', 'x-content-type-options', 'cache-control', 'cross-origin-opener-policy', 'referrer-policy'].map((name) => shown.headers.get(name))).toEqual(['DENY', 'nosniff', 'no-store', 'same-origin', 'same-origin']);
      expect(shown.headers.get('access-control-allow-origin')).toBeNull();
      expect(shown.text).not.toContain('<script');
    }
    expect(page.headers.get('content-security-policy')).toContain(`form-action 'self' https: ${gateway.provider.issuer};`);
    expect(confirm.headers.get('content-security-policy')).toContain('form-action \'self\';');
  });

  test('the cookie: is HttpOnly and Lax, and over TLS Secure with the prefix __Host-', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const answer = await gateway.get('/device');
    expect(answer.headers.get('set-cookie')).toMatch(/^penstock-sign-in=[\w.-]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/);
    const secure = await startTestGateway(stack, { publicUrl: 'https://claude.example' });
    expect((await secure.get('/device')).headers.get('set-cookie')).toMatch(/^__Host-penstock-sign-in=[\w.-]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax; Secure$/);
  });

  test('the code: is only filled in by the link, takes lower case without a dash, and what is no code is not repeated', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const { page, browser, userCode, deviceCode } = await begin(gateway);
    expect(fieldOf(page, 'user_code')).toBe(userCode);
    expect(await poll(gateway, deviceCode)).toBe('authorization_pending');
    const odd = await browser.open(`${gateway.base}/device?user_code=${encodeURIComponent('"><script>alert(1)</script>')}`);
    expect(odd.text).not.toContain('alert');
    const confirm = await browser.submit(await browser.open(`${gateway.base}/device`), { user_code: userCode.toLowerCase().replace('-', ' ') });
    expect(confirm.url).toBe(`${gateway.base}/device/confirm`);
    expect(confirm.text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  });

  test('the confirmation: names account, address, program and time, and the device waits for it', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const { page, browser, deviceCode } = await begin(gateway);
    const { text } = await browser.submit(page);
    for (const shown of ['alice@example.com', '(Alice)', '127.0.0.1', 'Approve only what you started yourself']) expect(text).toContain(shown);
    expect(text).toMatch(/<dd>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/);
    expect(await poll(gateway, deviceCode)).toBe('authorization_pending');
  });
});

describe('pages: attacks', () => {
  test.each([
    ['the origin of another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['the origin of another site that claims to be the same', { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' }],
    ['another site of the same domain', { 'sec-fetch-site': 'same-site' }],
    ['no origin at all', {}],
    ['an opaque origin', { origin: 'null' }],
  ] as const)('a form from %s: is refused on both pages, and the sign-in is as before', async (_name, headers) => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const { page, browser, userCode, deviceCode } = await begin(gateway);
    const forge = (at: BrowsedPage, path: string, fields: Readonly<Record<string, string>>): Promise<Response> => fetch(gateway.base + path, {
      method: 'POST', redirect: 'manual', body: new URLSearchParams({ ...fields, csrf: fieldOf(at, 'csrf') }), headers: { ...headers, cookie: cookiesOf(browser, gateway.base) },
    });
    expect((await forge(page, '/device', { user_code: userCode })).status).toBe(403);
    const confirm = await browser.submit(page);
    expect((await forge(confirm, '/device/confirm', { decision: 'approved' })).status).toBe(403);
    expect(await poll(gateway, deviceCode)).toBe('authorization_pending');
    expect(gateway.audited.at(-1)).toMatchObject({ event: 'device.approve', result: 'refused', reason: 'not_same_origin' });
  });

  test.each([['absent', undefined], ['of another browser', 'other'], ['of another length', 'short']] as const)('a form whose CSRF field is %s: is refused', async (_name, kind) => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const { page, browser, userCode } = await begin(gateway);
    const other = await createPageBrowser().open(`${gateway.base}/device`);
    const body = new URLSearchParams({ user_code: userCode, ...(kind === undefined ? {} : { csrf: kind === 'other' ? fieldOf(other, 'csrf') : 'x' }) });
    const answer = await fetch(`${gateway.base}/device`, { method: 'POST', redirect: 'manual', body, headers: { origin: new URL(gateway.base).origin, cookie: cookiesOf(browser, page.url) } });
    expect(answer.status).toBe(403);
  });

  test('a form without the cookie, or with one that is forged or over: is refused', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const { page, browser, userCode } = await begin(gateway);
    const post = (cookie: string): Promise<Response> => fetch(`${gateway.base}/device`, {
      method: 'POST', redirect: 'manual', body: new URLSearchParams({ user_code: userCode, csrf: fieldOf(page, 'csrf') }), headers: { origin: new URL(gateway.base).origin, cookie },
    });
    const good = cookiesOf(browser, page.url);
    // One character of the authentication tag; the last one would not do, since not all of its bits count.
    const altered = good.replace(/\.(.)([^.]*)$/, (_tag, first: string, rest: string) => `.${first === 'A' ? 'B' : 'A'}${rest}`);
    for (const cookie of ['a=b', 'penstock-sign-in=forged', altered]) expect((await post(cookie)).status).toBe(403);
    gateway.advance(600_000);
    expect((await post(good)).status).toBe(403);
  });

  test('a callback in another browser (a link that an attacker sends): is refused, and signs no device in', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const { page, browser, deviceCode } = await begin(gateway);
    const answers: string[] = [];
    const posted = await fetch(page.url, {
      method: 'POST', redirect: 'manual', body: new URLSearchParams({ user_code: fieldOf(page, 'user_code'), csrf: fieldOf(page, 'csrf') }),
      headers: { origin: new URL(gateway.base).origin, cookie: cookiesOf(browser, page.url) },
    });
    // The attacker signs in at the provider and stops before the callback.
    const attacker = createPageBrowser();
    const end = await attacker.open(posted.headers.get('location') ?? '');
    answers.push(end.text);
    expect(end.status).toBe(400);
    expect((await createPageBrowser().open(end.url)).status).toBe(400);
    expect(await poll(gateway, deviceCode)).toBe('authorization_pending');
    expect(gateway.audited.at(-1)).toMatchObject({ event: 'device.callback', result: 'refused', reason: 'other_browser' });
  });

  test('a callback whose state is another one, or that is opened twice: is refused', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const { page, browser } = await begin(gateway);
    await browser.submit(page);
    expect((await browser.open(`${gateway.base}/oauth/callback?code=a&state=b`)).status).toBe(400);
  });

  test('a confirmation in another browser than the one that signed in: there is nothing to confirm', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const { page, browser } = await begin(gateway);
    await browser.submit(page);
    const other = createPageBrowser();
    await other.open(`${gateway.base}/device`);
    expect((await other.open(`${gateway.base}/device/confirm`)).status).toBe(410);
  });

  test.each([['another one', 'b'], ['the one of another sign-in', 'other'], ['absent', undefined]] as const)('a callback that is waited for, whose state is %s: is refused as that of another browser, and the right one is taken after it', async (_name, kind) => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const { page, browser, userCode, deviceCode } = await begin(gateway);
    const provider = await typeCode(gateway, browser, page, userCode);
    const other = await begin(gateway);
    const state = kind === 'other' ? (await typeCode(gateway, other.browser, other.page, other.userCode)).searchParams.get('state') : kind;
    const refused = await browser.open(`${gateway.base}/oauth/callback?code=a${state === undefined || state === null ? '' : `&state=${encodeURIComponent(state)}`}`);
    expect([refused.status, refused.text.includes('This browser is not waiting for a sign-in')]).toEqual([400, true]);
    expect(gateway.audited.at(-1)).toMatchObject({ event: 'device.callback', result: 'refused', reason: 'other_browser' });
    expect(await poll(gateway, deviceCode)).toBe('authorization_pending');
    expect((await browser.open(provider.href)).url).toBe(`${gateway.base}/device/confirm`);
  });

  test('a confirmation in a browser that typed the same code and did not sign in: shows no account of the one that did, and decides nothing', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const { page, browser, userCode, deviceCode } = await begin(gateway);
    const other = createPageBrowser();
    const otherPage = await other.open(page.url);
    await typeCode(gateway, other, otherPage, userCode);
    const confirm = await browser.submit(page);
    expect(confirm.text).toContain('alice@example.com');
    const shown = await other.open(`${gateway.base}/device/confirm`);
    expect([shown.status, shown.text.includes('alice')]).toEqual([410, false]);
    const decided = await fetch(`${gateway.base}/device/confirm`, {
      method: 'POST', redirect: 'manual', body: new URLSearchParams({ decision: 'approved', csrf: fieldOf(otherPage, 'csrf') }),
      headers: { origin: new URL(gateway.base).origin, cookie: cookiesOf(other, page.url) },
    });
    expect([decided.status, await poll(gateway, deviceCode)]).toEqual([410, 'authorization_pending']);
    expect(gateway.audited.at(-1)).toMatchObject({ event: 'device.approve', result: 'refused', reason: 'nothing_to_confirm' });
    expect((await browser.submit(confirm)).status).toBe(200);
  });

  test('no parameter makes a page redirect elsewhere, and no header makes it name another host', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const forged = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', forwarded: 'host=evil.example', 'x-original-url': '/evil' };
    const device = await gateway.post('/oauth/device_authorization', { redirect_uri: 'https://evil.example' }, forged);
    expect(JSON.stringify(device.json)).not.toContain('evil');
    for (const path of ['/device?redirect=https://evil.example&next=//evil.example', '/device/confirm?redirect_uri=https://evil.example', '/oauth/callback?redirect_uri=https://evil.example&state=x&code=y']) {
      const answer = await gateway.get(path, undefined, forged);
      expect([answer.headers.get('location'), (await answer.text()).includes('evil')]).toEqual([null, false]);
    }
    const { page, browser } = await begin(gateway);
    const posted = await fetch(page.url, {
      method: 'POST', redirect: 'manual', headers: { ...forged, origin: new URL(gateway.base).origin, cookie: cookiesOf(browser, page.url) },
      body: new URLSearchParams({ user_code: fieldOf(page, 'user_code'), csrf: fieldOf(page, 'csrf'), redirect_uri: 'https://evil.example' }),
    });
    const target = new URL(posted.headers.get('location') ?? '');
    expect([posted.status, target.origin, target.searchParams.get('redirect_uri')]).toEqual([303, gateway.provider.issuer, `${gateway.base}/oauth/callback`]);
    expect(Object.fromEntries(target.searchParams)).toMatchObject({ response_type: 'code', code_challenge_method: 'S256' });
    expect(['state', 'nonce', 'code_challenge'].map((name) => (target.searchParams.get(name) ?? '').length >= 43)).toEqual([true, true, true]);
  });

  test('wrong codes: the eleventh in 10 minutes from one address is refused, also at once, and a good code is not counted', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    for (let count = 0; count < 12; count += 1) {
      const good = await begin(gateway);
      expect((await good.browser.submit(good.page)).url).toBe(`${gateway.base}/device/confirm`);
    }
    const { page, browser, userCode } = await begin(gateway);
    const guesses = await Promise.all(Array.from({ length: 30 }, () => browser.submit(page, { user_code: 'BBBB-BBBB' })));
    expect(guesses.filter(({ status }) => status === 400)).toHaveLength(10);
    expect(guesses.filter(({ status }) => status === 429)).toHaveLength(20);
    const refused = await browser.submit(page, { user_code: userCode });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '600']);
    gateway.advance(600_000);
    expect(gateway.audited.filter(({ reason }) => reason === 'rate_limited')).toHaveLength(21);
  });
});

describe('pages: whom the provider names', () => {
  test.each([
    ['an e-mail that is not verified', {}, { email: 'alice@example.com', emailVerified: false }, 'email_unverified'],
    ['another domain', { allowedEmailDomains: ['example.com'] }, { email: 'alice@example.com.evil.example', emailVerified: true }, 'email_domain'],
    ['a domain by an e-mail that nothing verifies', { allowedEmailDomains: ['example.com'] }, { email: 'alice@example.com' }, 'email_domain'],
    ['none of the groups', { allowedGroups: ['Engineers'] }, { email: 'alice@example.com', emailVerified: true, groups: ['engineers'] }, 'group'],
  ] as const)('a person with %s: is refused with a page that says so, and the device learns it', async (_name, rules, account, reason) => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack, { oidc: { claims: { email: 'email', groups: 'groups', ...rules } } });
    gateway.provider.accounts.set('alice', account);
    const { page, browser, deviceCode } = await begin(gateway);
    expect((await browser.submit(page)).status).toBe(403);
    expect(await poll(gateway, deviceCode)).toBe('access_denied');
    expect(gateway.audited.at(-1)).toMatchObject({ event: 'device.callback', result: 'refused', reason });
  });

  test('an unverified e-mail that the configuration trusts counts, and one that it does not is left out', async () => {
    await using stack = new AsyncDisposableStack();
    for (const trustUnverifiedEmail of [true, false]) {
      const gateway = await startTestGateway(stack, { oidc: { claims: { email: 'email', trustUnverifiedEmail } } });
      gateway.provider.accounts.set('alice', { email: 'alice@example.com', groups: ['engineers'] });
      const { access_token: token } = await gateway.signIn();
      const claims = await gateway.gateway.verify(String(token));
      expect([claims?.email, claims?.groups]).toEqual([trustUnverifiedEmail ? 'alice@example.com' : undefined, []]);
    }
  });

  test('groups: those that are known here are kept, and more than fit a token refuse the sign-in', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack, { isKnownGroup: (group) => group.startsWith('known-') });
    gateway.provider.accounts.set('alice', { email: 'a@example.com', emailVerified: true, groups: ['known-1', 'other'] });
    const { access_token: token } = await gateway.signIn();
    expect((await gateway.gateway.verify(String(token)))?.groups).toEqual(['known-1']);
    gateway.provider.accounts.set('alice', { email: 'a@example.com', emailVerified: true, groups: Array.from({ length: 100 }, (_, index) => `known-${'x'.repeat(40)}-${index}`) });
    const { page, browser } = await begin(gateway);
    expect((await browser.submit(page)).status).toBe(403);
    expect(gateway.audited.at(-1)).toMatchObject({ reason: 'groups_too_large' });
  });

  test('a provider that is down: the page says so with 503, and the same code works afterwards', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    gateway.provider.intercept = (_request, response) => {
      response.writeHead(500).end();
      return true;
    };
    const { page, browser } = await begin(gateway);
    expect((await browser.submit(page)).status).toBe(503);
    gateway.provider.intercept = () => false;
    expect((await browser.submit(page)).url).toBe(`${gateway.base}/device/confirm`);
  });
});
