import { createSecret, digestOf } from '../digest.ts';
import { answerJson, answerOauthError, headerOf, type ProtocolAnswer, type ProtocolRequest } from '../protocol-messages.ts';
import type { SignInParts } from '../sign-in-parts.ts';
import { addressKey } from './address-key.ts';
import { createUserCode } from './user-code.ts';

const LONGEST_USER_AGENT = 200;
const CODE_TRIES = 3;

/**
 * `POST /oauth/device_authorization` (RFC 8628 section 3.1). The client sends no `client_id` and no scope; the body is not read, so that whatever it
 * may hold one day is ignored.
 */
export async function authorizeDevice(parts: SignInParts, request: ProtocolRequest): Promise<ProtocolAnswer> {
  const { store, limits, now, addresses, audit } = parts;
  const userAgent = (headerOf(request, 'user-agent') ?? '').slice(0, LONGEST_USER_AGENT);
  const device = { address: request.address, userAgent };
  const at = now();
  try {
    const count = await store.countAttempt(`device:${addressKey(request.address)}`, at, limits.attemptWindowSeconds * 1000);
    if (count > limits.maxAuthorizationsPerAddress) return refuse('rate_limited');
    for (let attempt = 0; attempt < CODE_TRIES; attempt += 1) {
      const deviceCode = createSecret();
      const userCode = createUserCode();
      const isCreated = await store.createGrant({
        deviceDigest: digestOf(deviceCode), userDigest: digestOf(userCode), createdAt: at, expiresAt: at + limits.grantTtlSeconds * 1000, ...device,
      }, limits.maxPendingGrants);
      if (!isCreated) continue;
      audit({ event: 'device.authorize', result: 'ok', ...device });
      const verificationUri = `${addresses.base}/device`;
      return answerJson(200, {
        device_code: deviceCode, user_code: userCode, verification_uri: verificationUri, verification_uri_complete: `${verificationUri}?user_code=${userCode}`,
        expires_in: limits.grantTtlSeconds, interval: limits.pollIntervalSeconds,
      });
    }
    return refuse('too_many_pending');
  } catch {
    audit({ event: 'device.authorize', result: 'unavailable', reason: 'store', ...device });
    return answerOauthError('temporarily_unavailable', 'The gateway cannot reach its store at the moment; sign in again later.');
  }

  function refuse(reason: string): ProtocolAnswer {
    audit({ event: 'device.authorize', result: 'refused', reason, ...device });
    return answerOauthError('slow_down', 'Too many sign-ins were begun; wait before the next one.', ['retry-after', String(limits.attemptWindowSeconds)]);
  }
}
