import { digestOf } from '../digest.ts';
import { readIdentity } from '../identity.ts';
import { answerOauthError, readForm, type ProtocolAnswer, type ProtocolRequest } from '../protocol-messages.ts';
import { auditedPerson, type SignInParts } from '../sign-in-parts.ts';
import { createSessionIds } from './session-ids.ts';
import type { RefreshGrant } from './refresh-grant.ts';
import { answerTokens } from './token-answer.ts';

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
/** A client that polls each 5 s arrives a little early now and then. */
const POLL_TOLERANCE_MS = 500;

const STORE_IS_DOWN = 'The gateway cannot reach its store at the moment; try again later.';

/** `POST /oauth/token`: the device grant (RFC 8628 section 3.4) and the refresh grant (RFC 6749 section 6), both without client authentication. */
export async function answerTokenRequest(parts: SignInParts, refresh: RefreshGrant, request: ProtocolRequest): Promise<ProtocolAnswer> {
  const form = readForm(request);
  if (form === undefined) return answerOauthError('invalid_request', 'The body must be a form (application/x-www-form-urlencoded) in which no field stands twice.');
  const grantType = form.get('grant_type');
  try {
    if (grantType === DEVICE_GRANT) {
      const deviceCode = form.get('device_code') ?? '';
      return deviceCode === '' ? answerOauthError('invalid_request', 'device_code is missing.') : await redeemDeviceCode(parts, request, deviceCode);
    }
    if (grantType === 'refresh_token') {
      const refreshToken = form.get('refresh_token') ?? '';
      return refreshToken === '' ? answerOauthError('invalid_request', 'refresh_token is missing.') : await refresh(request, refreshToken);
    }
  } catch {
    parts.audit({ event: grantType === DEVICE_GRANT ? 'session.mint' : 'session.refresh', result: 'unavailable', reason: 'store', address: request.address });
    return answerOauthError('temporarily_unavailable', STORE_IS_DOWN);
  }
  return grantType === undefined ? answerOauthError('invalid_request', 'grant_type is missing.') : answerOauthError('unsupported_grant_type', 'Only the device code and refresh token grants are served.');
}

async function redeemDeviceCode(parts: SignInParts, request: ProtocolRequest, deviceCode: string): Promise<ProtocolAnswer> {
  const { store, limits, now, audit, tokens } = parts;
  const at = now();
  const deviceDigest = digestOf(deviceCode);
  const grant = await store.pollGrant(deviceDigest, at, Math.max(0, limits.pollIntervalSeconds * 1000 - POLL_TOLERANCE_MS));
  const refuse = (reason: string): ProtocolAnswer => {
    audit({ event: 'session.mint', result: 'refused', reason, address: request.address });
    return answerOauthError('expired_token', 'The device code is not known or has expired; start again.');
  };
  if (grant === undefined) return refuse('unknown_code');
  if (grant.status === 'redeemed') return refuse('replayed_code');
  if (grant.expiresAt <= at) return refuse('expired_code');
  if (grant.isTooEarly) return answerOauthError('slow_down', `Poll every ${limits.pollIntervalSeconds} seconds.`);
  if (grant.status === 'denied') return answerOauthError('access_denied', 'The sign-in was denied in the browser.');
  if (grant.status !== 'approved') return answerOauthError('authorization_pending', 'The sign-in was not confirmed in the browser yet.');

  const { sid, refreshToken } = createSessionIds();
  const session = await store.redeemGrant(deviceDigest, { sid, now: at, expiresAt: at + limits.refreshTtlSeconds * 1000, refreshDigest: digestOf(refreshToken) });
  if (session === undefined) return refuse('replayed_code');
  const identity = readIdentity(session.identity);
  audit({ event: 'session.mint', result: 'ok', sessionId: sid, address: request.address, ...auditedPerson(identity) });
  return answerTokens(limits.sessionTtlSeconds, await tokens.issue(identity, sid), session.providerRefresh === undefined ? undefined : refreshToken, identity.email);
}
