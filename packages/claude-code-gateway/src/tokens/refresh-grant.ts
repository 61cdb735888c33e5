import { createSecret, digestOf } from '../digest.ts';
import { readIdentity, writeIdentity, type Identity } from '../identity.ts';
import { answerOauthError, type ProtocolAnswer, type ProtocolRequest } from '../protocol-messages.ts';
import { seal, unseal } from '../sealed-values.ts';
import { auditedPerson, keepKnownGroups, type SignInParts } from '../sign-in-parts.ts';
import type { StoredRefreshToken, StoredSession } from '../store/sign-in-store.ts';
import { endLeasedSession, endSession } from './end-session.ts';
import { createLeaseWait } from './lease-wait.ts';
import { createRefreshToken } from './session-ids.ts';
import { answerTokens } from './token-answer.ts';

/** Redeems one refresh token. Rejects if the store fails; then nothing was consumed. */
export type RefreshGrant = (request: ProtocolRequest, refreshToken: string) => Promise<ProtocolAnswer>;

/**
 * The refresh grant. The current token of a session asks the provider whether the person still exists, one process at a time. The token before it
 * yields the same successor within the grace, without asking: two processes of one person that refresh at once both go on. After the grace it is a
 * replay, and ends the session (RFC 9700 section 4.14.2).
 */
export function createRefreshGrant(parts: SignInParts): RefreshGrant {
  const { store, provider, limits, now, audit, keys, tokens, unsaved } = parts;
  const leaseWait = createLeaseWait(limits);

  const refuse = (request: ProtocolRequest, reason: string, session?: StoredSession): ProtocolAnswer => {
    audit({ event: 'session.refresh', result: 'refused', reason, address: request.address, ...(session === undefined ? {} : { sessionId: session.sid, ...auditedPerson(readIdentity(session.identity)) }) });
    return answerOauthError('invalid_grant', 'The refresh token is not valid; sign in again.');
  };
  const beUnavailable = (request: ProtocolRequest, reason: string, session: StoredSession): ProtocolAnswer => {
    audit({ event: 'session.refresh', result: 'unavailable', reason, address: request.address, sessionId: session.sid, ...auditedPerson(readIdentity(session.identity)) });
    return answerOauthError('temporarily_unavailable', 'The identity provider cannot be asked at the moment; the session goes on, try again later.');
  };
  const end = async (request: ProtocolRequest, reason: string, session: StoredSession): Promise<ProtocolAnswer> => {
    unsaved.delete(session.sid);
    await endSession(parts, session.sid, { reason, address: request.address, ...auditedPerson(readIdentity(session.identity)) });
    return refuse(request, reason, session);
  };
  const grant = async (request: ProtocolRequest, identity: Identity, sid: string, refreshToken: string): Promise<ProtocolAnswer> => {
    audit({ event: 'session.refresh', result: 'ok', sessionId: sid, address: request.address, ...auditedPerson(identity) });
    return answerTokens(limits.sessionTtlSeconds, await tokens.issue(identity, sid), refreshToken, undefined);
  };
  /** The answer for a token that needs no question to the provider; `undefined` for the current one. */
  const answerKnown = async (request: ProtocolRequest, found: StoredRefreshToken | undefined): Promise<ProtocolAnswer | undefined> => {
    if (found === undefined) return refuse(request, 'unknown_token');
    const { session, replacedAt, successor, readAt } = found;
    if (session.revokedAt !== undefined) return refuse(request, 'revoked', session);
    if (session.expiresAt <= readAt) return refuse(request, 'expired', session);
    if (replacedAt === undefined) return undefined;
    if (readAt - replacedAt > limits.refreshGraceSeconds * 1000) return end(request, 'replayed_token', session);
    const refreshToken = successor === undefined ? undefined : await unseal(keys, 'successor', successor);
    return refreshToken === undefined ? beUnavailable(request, 'session_keys', session) : grant(request, readIdentity(session.identity), session.sid, refreshToken);
  };
  /** Asks the provider and stores what it said; the caller has the lease. */
  const redeem = async (request: ProtocolRequest, oldToken: string, { session, readAt }: StoredRefreshToken, holder: string): Promise<ProtocolAnswer> => {
    const aheadMs = readAt - now();
    const known = readIdentity(session.identity);
    /** The lease ran out under a process that stood still, or the session was revoked meanwhile. */
    const answerLost = async (): Promise<ProtocolAnswer> => (await answerKnown(request, await store.findRefreshToken(digestOf(oldToken)))) ?? beUnavailable(request, 'lease_lost', session);
    const endLeased = async (reason: string, providerRefresh: string): Promise<ProtocolAnswer> => {
      // What was presented may be spent, and its successor in a process that could not store it yet.
      if (reason === 'invalid_grant' && session.unsettledAt !== undefined && readAt - session.unsettledAt < limits.unsettledMs) return beUnavailable(request, 'provider_token_unsettled', session);
      if (!await endLeasedSession(parts, session.sid, { holder, providerRefresh }, { reason, address: request.address, ...auditedPerson(known) })) return answerLost();
      unsaved.delete(session.sid);
      return refuse(request, reason, session);
    };
    const stored = session.providerRefresh;
    const providerToken = unsaved.find(session.sid, stored) ?? (stored === undefined ? undefined : await unseal(keys, 'provider_refresh', stored));
    if (stored === undefined || providerToken === undefined) return beUnavailable(request, 'session_keys', session);
    const answer = await provider.refresh(providerToken, known);
    if (answer.kind === 'refused') return endLeased(answer.reason, stored);
    // The provider's old token may be spent from now on: until its new one is stored, it is kept here.
    if (answer.refreshToken !== undefined) unsaved.set(session.sid, answer.refreshToken, stored);
    if (answer.kind === 'unavailable') {
      return { ...beUnavailable(request, `provider_${answer.reason}`, session), failedPart: 'provider' };
    }
    const identity = keepKnownGroups(answer.identity, parts);
    if (identity === undefined) return endLeased('groups_too_large', stored);
    const newToken = createRefreshToken();
    const rotatedAt = now() + aheadMs;
    // Sealed anew even if it is the same: the key that sealed it before may be taken away once it is not the first one any more.
    const providerRefresh = await seal(keys, 'provider_refresh', answer.refreshToken ?? providerToken);
    const isRotated = await store.rotate({
      sid: session.sid, holder, oldDigest: digestOf(oldToken), newDigest: digestOf(newToken), successor: await seal(keys, 'successor', newToken),
      identity: writeIdentity(identity), providerRefresh, replacedProviderRefresh: stored, now: rotatedAt, expiresAt: rotatedAt + limits.refreshTtlSeconds * 1000,
      graceMs: limits.refreshGraceSeconds * 1000,
    });
    unsaved.delete(session.sid);
    return isRotated ? grant(request, identity, session.sid, newToken) : answerLost();
  };

  return async function refresh(request, refreshToken) {
    const digest = digestOf(refreshToken);
    let found = await store.findRefreshToken(digest);
    const known = await answerKnown(request, found);
    if (known !== undefined || found === undefined) return known ?? refuse(request, 'unknown_token');
    const holder = createSecret();
    const { session } = found;
    const { sid } = session;
    // By the database's clock, as everything here that processes must agree about.
    const take = (takesOver: boolean): Promise<boolean> => (found === undefined ? Promise.resolve(false) : store.takeLease(sid, holder, found.readAt, found.readAt + limits.leaseMs, takesOver));
    const isFirst = await leaseWait.take(take, async () => {
      found = await store.findRefreshToken(digest);
      return found?.replacedAt !== undefined;
    });
    if (isFirst !== 'taken') {
      return (await answerKnown(request, await store.findRefreshToken(digest))) ?? beUnavailable(request, isFirst === 'full' ? 'too_many_waiting' : 'lease_busy', session);
    }
    try {
      // Another process may have been done between the first look and the lease.
      const current = await store.findRefreshToken(digest);
      const answer = await answerKnown(request, current);
      return answer ?? (current === undefined ? refuse(request, 'unknown_token') : await redeem(request, refreshToken, current, holder));
    } finally {
      await unsaved.settle(sid, holder);
    }
  };
}
