import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { startSignInGateway, type SignInGateway } from '../../sign-in/signed-in-gateway.ts';
import { CHROMIUM, look, openBrowser } from '../live-page/open-browser.ts';

if (CHROMIUM === undefined) process.stdout.write('SKIPPED: the sign-in pages in a browser: there is no Chromium\n');

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

async function begin(gateway: SignInGateway): Promise<{ readonly deviceCode: string; readonly url: string }> {
  const { json } = await gateway.post('/oauth/device_authorization', {});
  return { deviceCode: String(json['device_code']), url: String(json['verification_uri_complete']) };
}

const poll = async (gateway: SignInGateway, deviceCode: string): Promise<unknown> => {
  const { json } = await gateway.post('/oauth/token', { grant_type: DEVICE_GRANT, device_code: deviceCode });
  return json['error'] ?? json['token_type'];
};

/** A page of another site, by another name of this machine. */
async function startSite(stack: AsyncDisposableStack, html: string): Promise<string> {
  const server = createServer((_request, response) => { response.writeHead(200, { 'content-type': 'text/html' }).end(html); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => { server.closeAllConnections(); server.close(); });
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}

describe.skipIf(CHROMIUM === undefined)('the sign-in pages in a real browser', () => {
  test('a person signs in with scripts switched off, over the redirects of the provider, and nothing violates the policy of the pages', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startSignInGateway(stack, 'http://127.0.0.1:9');
    const browser = await openBrowser();
    stack.defer(() => browser.close());
    const { deviceCode, url } = await begin(gateway);
    const { page, problems } = await look(browser, url, { isScriptOff: true });
    expect(await page.title()).toBe('Sign in to Claude Code');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForURL(`${gateway.anthropic}/device/confirm`);
    expect(await page.getByText('alice@example.com').isVisible()).toBe(true);
    expect(await poll(gateway, deviceCode)).toBe('authorization_pending');
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('heading', { name: 'Signed in' }).waitFor();
    // The device waits for its interval between two polls.
    await expect.poll(() => poll(gateway, deviceCode), { timeout: 20_000, interval: 5_100 }).toBe('Bearer');
    expect(problems).toEqual([]);
  });

  test('a page of another site: can neither frame the pages nor post their forms for the person', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startSignInGateway(stack, 'http://127.0.0.1:9');
    const browser = await openBrowser();
    stack.defer(() => browser.close());
    const { deviceCode, url } = await begin(gateway);
    const { page } = await look(browser, url);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForURL(`${gateway.anthropic}/device/confirm`);
    // The same browser, with its cookie, opens the page of the attacker.
    const framing = await startSite(stack, `<title>framing</title><iframe src="${gateway.anthropic}/device/confirm"></iframe>`);
    await page.goto(framing);
    await expect.poll(() => page.frames().map((frame) => frame.url())).not.toContain(`${gateway.anthropic}/device/confirm`);
    const posting = await startSite(stack, `<title>posting</title><form method="post" action="${gateway.anthropic}/device/confirm"><input name="decision" value="approved"></form><script>document.forms[0].submit()</script>`);
    await page.goto(posting).catch(() => undefined);
    await page.getByRole('heading', { name: 'Not accepted' }).waitFor();
    expect(await poll(gateway, deviceCode)).toBe('authorization_pending');
    await expect.poll(() => gateway.audited().at(-1)).toMatchObject({ event: 'device.approve', result: 'refused', reason: 'not_same_origin' });
  });
});
