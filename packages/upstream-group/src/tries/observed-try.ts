import type { Buffer } from 'node:buffer';
import type { UpstreamHandler } from '@penstock/upstream-client';
import { PROBE_ALONE_MS } from '../health/cooling.ts';
import type { Member } from '../resolve-settings.ts';
import { MemberTry, type TryOwner } from './member-try.ts';

/** A try whose sending is seen: the handler takes its steps, or it is a probe, which is one for a time after it was sent. */
class ObservedTry extends MemberTry {
  #probeTimer: NodeJS.Timeout | undefined;

  onBodySent(chunk: Buffer): void {
    if (!this.isOver) this.owner.bodySent(chunk);
  }

  onRequestSent(): void {
    if (this.isOver) return;
    if (this.isProbe) {
      this.#probeTimer = setTimeout(() => { this.finish(); }, PROBE_ALONE_MS);
      this.#probeTimer.unref();
    }
    this.owner.requestSent();
  }

  onResponseStarted(): void {
    if (!this.isOver) this.owner.responseStarted();
  }

  override finish(): void {
    clearTimeout(this.#probeTimer);
    super.finish();
  }
}

/** Makes a try. Most handlers take none of these steps, and most members are well: their client then has nothing to call. */
export function createMemberTry(owner: TryOwner, handler: UpstreamHandler, member: Member, scope: string, beganAt: number): MemberTry {
  const takesSteps = handler.onBodySent !== undefined || handler.onRequestSent !== undefined || handler.onResponseStarted !== undefined;
  return takesSteps || !member.health.isWell(scope) ? new ObservedTry(owner, member, scope, beganAt) : new MemberTry(owner, member, scope, beganAt);
}
