import { readIdentity } from '../identity.ts';
import type { ProtocolAnswer, ProtocolRequest } from '../protocol-messages.ts';
import { auditedPerson, type SignInParts } from '../sign-in-parts.ts';
import type { DeviceGrant } from '../store/sign-in-store.ts';
import { browserOf, type BrowserSession, type BrowserSessions } from './browser-session.ts';
import { readOwnForm } from './check-browser-post.ts';
import { answerNotice, answerPage, html } from './html-page.ts';

/**
 * `GET /device/confirm`: names the account and the device before the device gets a token, so that a code that came from another person is noticed
 * (RFC 8628 section 5.4).
 */
export async function showConfirmPage(parts: SignInParts, sessions: BrowserSessions, request: ProtocolRequest): Promise<ProtocolAnswer> {
  const session = await sessions.read(request);
  try {
    const grant = await findIdentified(parts, session);
    return session === undefined || grant === undefined ? answerNothingToConfirm() : renderConfirmation(parts, session, grant);
  } catch {
    return answerStoreDown();
  }
}

/** `POST /device/confirm`: approves or denies. */
export async function takeDecision(parts: SignInParts, sessions: BrowserSessions, request: ProtocolRequest): Promise<ProtocolAnswer> {
  const { store, now, audit, addresses } = parts;
  const session = await sessions.read(request);
  const form = readOwnForm(request, session, addresses.publicUrl);
  if (form === undefined || session === undefined) {
    audit({ event: 'device.approve', result: 'refused', reason: 'not_same_origin', address: request.address });
    return answerNotice(403, 'Not accepted', 'The form did not come from this page, or the page was open for too long. Start again on your device.');
  }
  const decision = form.get('decision');
  if (decision !== 'approved' && decision !== 'denied') return answerNotice(400, 'Not understood', 'The form says neither yes nor no.');
  const event = decision === 'approved' ? 'device.approve' : 'device.deny';
  try {
    const grant = await findIdentified(parts, session);
    if (grant === undefined || !await store.decideGrant(grant.deviceDigest, browserOf(session), decision, now())) {
      audit({ event, result: 'refused', reason: 'nothing_to_confirm', address: request.address });
      return answerNothingToConfirm();
    }
    audit({ event, result: 'ok', address: request.address, ...auditedPerson(readIdentity(grant.identity ?? '')) });
    return decision === 'approved'
      ? answerNotice(200, 'Signed in', 'Your device is signed in. You can close this page and go back to your terminal.', sessions.clear)
      : answerNotice(200, 'Denied', 'The sign-in was denied. You can close this page.', sessions.clear);
  } catch {
    audit({ event, result: 'unavailable', reason: 'store', address: request.address });
    return answerStoreDown();
  }
}

async function findIdentified({ store, now }: SignInParts, session: BrowserSession | undefined): Promise<DeviceGrant | undefined> {
  if (session?.deviceDigest === undefined) return undefined;
  const grant = await store.findGrant(session.deviceDigest);
  return grant !== undefined && grant.status === 'identified' && grant.browser === browserOf(session) && grant.expiresAt > now() ? grant : undefined;
}

function renderConfirmation({ addresses }: SignInParts, session: BrowserSession, grant: DeviceGrant): ProtocolAnswer {
  const { email, name, subject } = readIdentity(grant.identity ?? '');
  const form = (decision: string, label: string): { readonly html: string } => html`<form method="post" action="${addresses.mount}/device/confirm"><input type="hidden" name="csrf" value="${session.csrf}"><input type="hidden" name="decision" value="${decision}"><button type="submit">${label}</button></form>`;
  const body = html`<p>A device asks to act in your name. <strong>Approve only what you started yourself</strong>: a code that was sent to you signs <em>their</em> device in.</p>
<dl>
<dt>Account</dt><dd>${email ?? subject}${name === undefined ? '' : ` (${name})`}</dd>
<dt>Address of the device</dt><dd>${grant.address}</dd>
<dt>Program</dt><dd>${grant.userAgent === '' ? 'not named' : grant.userAgent}</dd>
<dt>Started</dt><dd>${new Date(grant.createdAt).toISOString()}</dd>
</dl>
${form('approved', 'Approve')}${form('denied', 'Deny')}`;
  return answerPage(200, { title: 'Approve this device?', body });
}

function answerNothingToConfirm(): ProtocolAnswer {
  return answerNotice(410, 'Nothing to confirm', 'No sign-in waits for you in this browser: it was decided, or its code has expired. Start again on your device.');
}

function answerStoreDown(): ProtocolAnswer {
  return answerNotice(503, 'Not available', 'The gateway cannot reach its store at the moment. Try again in a minute.', ['retry-after', '30']);
}
