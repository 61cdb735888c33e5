import * as oidc from 'openid-client';
import { digestOf } from '../digest.ts';
import { addressKey } from '../device/address-key.ts';
import { readUserCode } from '../device/user-code.ts';
import type { ProtocolAnswer, ProtocolRequest } from '../protocol-messages.ts';
import type { SignInParts } from '../sign-in-parts.ts';
import type { BrowserSession, BrowserSessions } from './browser-session.ts';
import { readOwnForm } from './check-browser-post.ts';
import { answerNotice, answerPage, html } from './html-page.ts';

/** `GET /device`: the form for the code. `?user_code=` only fills it in (RFC 8628 section 5.4): the person compares it with the device's. */
export async function showDevicePage(parts: SignInParts, sessions: BrowserSessions, request: ProtocolRequest): Promise<ProtocolAnswer> {
  const session = (await sessions.read(request)) ?? sessions.create();
  const typed = new URLSearchParams(request.query).get('user_code') ?? '';
  return renderForm(parts, session, 200, readUserCode(typed) ?? '', '', await sessions.write(session));
}

/** `POST /device`: takes a code and sends the browser to the provider. */
export async function takeUserCode(parts: SignInParts, sessions: BrowserSessions, request: ProtocolRequest): Promise<ProtocolAnswer> {
  const { store, provider, limits, now, audit, addresses } = parts;
  const refuse = (reason: string): void => { audit({ event: 'device.verify', result: 'refused', reason, address: request.address }); };
  const session = await sessions.read(request);
  const form = readOwnForm(request, session, addresses.publicUrl);
  if (form === undefined || session === undefined) {
    refuse('not_same_origin');
    return answerNotice(403, 'Not accepted', 'The form did not come from this page, or the page was open for too long. Open it again and enter the code.');
  }
  const key = `code:${addressKey(request.address)}`;
  try {
    // Counted before it is looked up: codes that come at once are not tried beyond the limit. A good one is taken back.
    const count = await store.countAttempt(key, now(), limits.attemptWindowSeconds * 1000);
    if (count > limits.maxWrongCodesPerAddress) {
      refuse('rate_limited');
      return answerNotice(429, 'Too many wrong codes', 'Too many wrong codes came from this address. Wait ten minutes and try again.', ['retry-after', String(limits.attemptWindowSeconds)]);
    }
    const userCode = readUserCode(form.get('user_code') ?? '');
    const grant = userCode === undefined ? undefined : await store.findGrantByUserCode(digestOf(userCode), now());
    if (grant?.status !== 'pending') {
      refuse('unknown_code');
      return renderForm(parts, session, 400, '', 'This code is not known, was used, or has expired. Compare it with the one on your device.');
    }
    await store.uncountAttempt(key);
    const checks = { state: oidc.randomState(), nonce: oidc.randomNonce(), codeVerifier: oidc.randomPKCECodeVerifier() };
    const target = await provider.authorizationUrl(checks);
    if (target === undefined) {
      audit({ event: 'device.verify', result: 'unavailable', reason: 'provider', address: request.address });
      return { ...answerNotice(503, 'Not available', 'The identity provider cannot be reached at the moment. Try again in a minute; the code stays valid.', ['retry-after', '30']), failedPart: 'provider' };
    }
    audit({ event: 'device.verify', result: 'ok', address: request.address });
    return { ...answerNotice(303, 'Sign in', 'Continue at your identity provider.', ['location', target.href, ...await sessions.write({ ...session, deviceDigest: grant.deviceDigest, checks })]) };
  } catch {
    audit({ event: 'device.verify', result: 'unavailable', reason: 'store', address: request.address });
    return answerNotice(503, 'Not available', 'The gateway cannot reach its store at the moment. Try again in a minute.', ['retry-after', '30']);
  }
}

function renderForm({ addresses, formTargets }: SignInParts, session: BrowserSession, status: number, userCode: string, problem: string, headers: readonly string[] = []): ProtocolAnswer {
  const body = html`<p>Enter the code that Claude Code shows in your terminal.</p>
${problem === '' ? '' : html`<p role="alert">${problem}</p>`}
<form method="post" action="${addresses.mount}/device">
<input type="hidden" name="csrf" value="${session.csrf}">
<label>Code <input name="user_code" value="${userCode}" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="16" required autofocus></label>
<button type="submit">Continue</button>
</form>
<p>Go on only if you started this sign-in yourself, on your own device, just now.</p>`;
  return answerPage(status, { title: 'Sign in to Claude Code', body }, formTargets, headers);
}
