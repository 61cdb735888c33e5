import type { AuditEvent } from '../sign-in-audit.ts';
import type { SignInParts } from '../sign-in-parts.ts';

/** Ends a session: in this process at once, in others when they read the store. Rejects if the store fails; then the session goes on. */
export async function endSession({ store, revocations, now, audit }: SignInParts, sid: string, described: Omit<AuditEvent, 'event' | 'result' | 'sessionId'>): Promise<void> {
  const isFirst = await store.revokeSession(sid, now());
  revocations.add(sid);
  if (!isFirst) return;
  audit({ event: 'session.revoke', result: 'ok', sessionId: sid, ...described });
}
