import { Buffer } from 'node:buffer';
import { digestOf } from '../digest.ts';
import { answerOauthError, readForm, type ProtocolAnswer, type ProtocolRequest } from '../protocol-messages.ts';
import type { SignInParts } from '../sign-in-parts.ts';
import { endSession } from './end-session.ts';

/**
 * `POST /oauth/revoke` (RFC 7009). Either token ends the session, so that a sign-out of which only one request arrives is complete. A token that is not
 * known is answered like one that is.
 */
export async function answerRevocation(parts: SignInParts, request: ProtocolRequest): Promise<ProtocolAnswer> {
  const token = readForm(request)?.get('token') ?? '';
  if (token === '') return answerOauthError('invalid_request', 'The body must be a form with a token.');
  try {
    const sid = (await parts.tokens.sessionOf(token)) ?? (await parts.store.findRefreshToken(digestOf(token)))?.session.sid;
    if (sid !== undefined) await endSession(parts, sid, { reason: 'sign_out', address: request.address });
  } catch {
    parts.audit({ event: 'session.revoke', result: 'unavailable', reason: 'store', address: request.address });
    return answerOauthError('temporarily_unavailable', 'The gateway cannot reach its store at the moment; the session goes on until its token expires.');
  }
  return { status: 200, headers: ['cache-control', 'no-store', 'pragma', 'no-cache'], body: Buffer.alloc(0) };
}
