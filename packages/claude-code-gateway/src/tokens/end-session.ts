import type { AuditEvent } from '../sign-in-audit.ts';
import type { SignInParts } from '../sign-in-parts.ts';
import type { LeasedBy } from '../store/sign-in-store.ts';

/** What the audit log gets beside the session. */
type Described = Omit<AuditEvent, 'event' | 'result' | 'sessionId'>;

/** Ends a session: in this process at once, in others when they read the store. Rejects if the store fails; then the session goes on. */
export async function endSession({ store, revocations, audit }: SignInParts, sid: string, described: Described): Promise<void> {
  const isFirst = await store.revokeSession(sid, await store.clock());
  revocations.add(sid);
  if (!isFirst) return;
  audit({ event: 'session.revoke', result: 'ok', sessionId: sid, ...described });
}

/**
 * Ends a session for what the provider answered to the holder of its lease. `false` if the holder has the lease no longer, or another token of the provider
 * is stored by now: the answer is about an old one then. Rejects if the store fails.
 */
export async function endLeasedSession({ store, revocations, audit }: SignInParts, sid: string, by: LeasedBy, described: Described): Promise<boolean> {
  if (!await store.revokeSession(sid, await store.clock(), by)) return false;
  revocations.add(sid);
  audit({ event: 'session.revoke', result: 'ok', sessionId: sid, ...described });
  return true;
}
