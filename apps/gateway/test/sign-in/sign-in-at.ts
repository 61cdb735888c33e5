import { createPageBrowser, type OpenIdProvider } from '@penstock/test-support';

/** The tokens of one session. */
export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** An answer of an OAuth endpoint. */
export interface OauthAnswer {
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
}

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** Posts a form as the client does. */
export async function postForm(url: string, form: Readonly<Record<string, string>>): Promise<OauthAnswer> {
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(form), headers: { 'user-agent': 'claude-code/2.1.332' } });
  const text = await answer.text();
  return { status: answer.status, json: text === '' ? {} : JSON.parse(text) as Record<string, unknown> };
}

/** Refreshes at one gateway. */
export function refreshAt(base: string, refreshToken: string): Promise<OauthAnswer> {
  return postForm(`${base}/oauth/token`, { grant_type: 'refresh_token', refresh_token: refreshToken });
}

/** A whole sign-in: the device's part and that of a browser. */
export async function signInAt(base: string, provider: OpenIdProvider, person: string = 'alice'): Promise<Tokens> {
  provider.person = person;
  const device = await postForm(`${base}/oauth/device_authorization`, { surface: 'claude_code' });
  const browser = createPageBrowser();
  await browser.submit(await browser.submit(await browser.open(String(device.json['verification_uri_complete']))));
  const { json } = await postForm(`${base}/oauth/token`, { grant_type: DEVICE_GRANT, device_code: String(device.json['device_code']) });
  if (typeof json['access_token'] !== 'string') throw new Error(`no token: ${JSON.stringify(json)}`);
  return { accessToken: json['access_token'], refreshToken: String(json['refresh_token']) };
}
