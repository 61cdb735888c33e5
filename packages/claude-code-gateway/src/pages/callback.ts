import { writeIdentity } from '../identity.ts';
import type { IdentityRefusal } from '../provider/identity-provider.ts';
import type { ProtocolAnswer, ProtocolRequest } from '../protocol-messages.ts';
import { seal } from '../sealed-values.ts';
import { auditedPerson, keepKnownGroups, type SignInParts } from '../sign-in-parts.ts';
import { browserOf, type BrowserSessions } from './browser-session.ts';
import { answerNotice } from './html-page.ts';

/** What a person reads. `invalid_grant` alone leaves the sign-in open: a code that was used twice, such as by the browser's back button. */
const SENTENCES: Readonly<Record<IdentityRefusal, string>> = {
  invalid_grant: 'The identity provider did not accept its own code. Start again on your device.',
  access_denied: 'The sign-in was declined at the identity provider.',
  email_unverified: 'The identity provider has not verified the e-mail address of this account.',
  email_domain: 'Accounts of this e-mail domain may not sign in here.',
  group: 'This account is in none of the groups that may sign in here.',
  group_overage: 'This account is in so many groups that the identity provider left them out of its answer, so that the gateway cannot know what it may do. Ask your administrator.',
  groups_too_large: 'The groups of this account do not fit into a session. Ask your administrator.',
  no_subject: 'The identity provider did not name the account.',
  subject_changed: 'The identity provider named another account.',
};

const NOT_AVAILABLE = 'Not available';

/** `GET /oauth/callback`: where the provider sends the browser back to. The code counts only in the browser that typed the user code. */
export async function takeCallback(parts: SignInParts, sessions: BrowserSessions, request: ProtocolRequest): Promise<ProtocolAnswer> {
  const { provider, store, now, audit, addresses, keys } = parts;
  const session = await sessions.read(request);
  const { deviceDigest, checks } = session ?? {};
  const state = new URLSearchParams(request.query).get('state');
  if (session === undefined || deviceDigest === undefined || checks === undefined || state !== checks.state) {
    audit({ event: 'device.callback', result: 'refused', reason: 'other_browser', address: request.address });
    return answerNotice(400, 'Not expected', 'This browser is not waiting for a sign-in. Open the page from your device again and enter the code.');
  }
  const answer = await provider.exchange(request.query, checks);
  try {
    if (answer.kind === 'unavailable') {
      audit({ event: 'device.callback', result: 'unavailable', reason: `provider_${answer.reason}`, address: request.address });
      return { ...answerNotice(503, NOT_AVAILABLE, 'The identity provider cannot be asked at the moment. Enter the code again in a minute.', ['retry-after', '30']), failedPart: 'provider' };
    }
    const identity = answer.kind === 'refused' ? undefined : keepKnownGroups(answer.identity, parts);
    if (answer.kind === 'refused' || identity === undefined) {
      const reason = answer.kind === 'refused' ? answer.reason : 'groups_too_large';
      if (reason !== 'invalid_grant') await store.denyGrant(deviceDigest, now());
      audit({ event: 'device.callback', result: 'refused', reason, address: request.address, ...(answer.kind === 'identity' ? auditedPerson({ ...answer.identity, groups: [] }) : {}) });
      return answerNotice(reason === 'invalid_grant' ? 400 : 403, 'Not signed in', SENTENCES[reason], sessions.clear);
    }
    const providerRefresh = answer.kind === 'identity' && answer.refreshToken !== undefined ? await seal(keys, 'provider_refresh', answer.refreshToken) : undefined;
    if (!await store.identifyGrant(deviceDigest, { browser: browserOf(session), identity: writeIdentity(identity), providerRefresh }, now())) {
      audit({ event: 'device.callback', result: 'refused', reason: 'expired_code', address: request.address, ...auditedPerson(identity) });
      return answerNotice(410, 'Too late', 'The code has expired or was used. Start again on your device.', sessions.clear);
    }
    audit({ event: 'device.callback', result: 'ok', address: request.address, ...auditedPerson(identity) });
    const { checks: _used, ...rest } = session;
    return answerNotice(303, 'Signed in', 'Confirm the sign-in.', ['location', `${addresses.base}/device/confirm`, ...await sessions.write(rest)]);
  } catch {
    audit({ event: 'device.callback', result: 'unavailable', reason: 'store', address: request.address });
    return answerNotice(503, NOT_AVAILABLE, 'The gateway cannot reach its store at the moment. Enter the code again in a minute.', ['retry-after', '30']);
  }
}
