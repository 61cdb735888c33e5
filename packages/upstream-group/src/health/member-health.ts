import { Cooling, type CoolDown, type CoolingReason, type HealthState } from './cooling.ts';
import type { Effect } from './failure-effects.ts';
import type { HealthNote, IllNote } from './group-note.ts';
import type { Quota } from './read-quota.ts';

/** Models of one upstream whose failures and quotas are remembered; the one that was noted first is forgotten. */
export const MAX_SCOPES = 100;

/** The quota of a model is noted anew where its reset moved by more, in milliseconds. */
const RESET_STEP_MS = 1_000;

/** What is remembered of one model at one upstream. */
class ScopeHealth {
  readonly cooling = new Cooling();
  lowUntil = 0;
}

/** How one upstream is at one moment. */
export interface MemberHealthView {
  readonly state: HealthState;
  readonly failures: number;
  /** When the cool-down ends, in milliseconds from now; 0 where none runs. */
  readonly coolsForMs: number;
  readonly reason: CoolingReason | undefined;
  /** How long it has failed without a success between, in milliseconds; 0 where it is well. */
  readonly illForMs: number;
  /** The models that cool down there now, each with its reason. */
  readonly scopes: readonly { readonly scope: string; readonly reason: CoolingReason | undefined; readonly coolsForMs: number }[];
}

/** What is remembered of one upstream, by the requests that it got. Times are milliseconds of one clock. */
export class MemberHealth {
  readonly #cooling = new Cooling();
  readonly #scopes = new Map<string, ScopeHealth>();
  /** Requests from before it show the old credential or address. */
  #forgotAt = Number.NEGATIVE_INFINITY;
  /** Gets what another process does not know. */
  onNote: ((note: HealthNote) => void) | undefined;

  /** Whether a request for a model may go there by choice. */
  isUsable(scope: string, now: number): boolean {
    return this.#cooling.isUsable(now) && this.#known(scope)?.cooling.isUsable(now) !== false;
  }

  /** Whether no failure is remembered that concerns a request for a model. */
  isWell(scope: string): boolean {
    return this.#cooling.failures === 0 && (this.#known(scope)?.cooling.failures ?? 0) === 0;
  }

  /** Whether a failure of the upstream as a whole is remembered, whatever the model. */
  isIllAsWhole(): boolean {
    return this.#cooling.failures > 0;
  }

  /** Whether the quota for a model is below the floor, and not yet full again. */
  isLow(scope: string, now: number): boolean {
    return now < (this.#known(scope)?.lowUntil ?? 0);
  }

  /** Whether the last quota for a model was below the floor, full again by now or not. */
  wasLow(scope: string): boolean {
    return (this.#known(scope)?.lowUntil ?? 0) !== 0;
  }

  /** When the last cool-down that keeps a request for a model away ends. */
  coolsUntil(scope: string): number {
    return Math.max(this.#cooling.until, this.#scopes.get(scope)?.cooling.until ?? 0);
  }

  /** Makes a request the probe of what is half-open; the result ends that, and must be called once. `undefined`: it is no probe. */
  beginProbe(scope: string, now: number): (() => void) | undefined {
    if (this.isWell(scope)) return undefined;
    const half = [this.#cooling, this.#scopes.get(scope)?.cooling].filter((cooling) => cooling !== undefined && cooling.state(now) === 'half_open' && !cooling.isProbed) as Cooling[];
    if (half.length === 0) return undefined;
    for (const cooling of half) {
      cooling.isProbed = true;
      this.onNote?.({ kind: 'probed', scope: cooling === this.#cooling ? undefined : scope });
    }
    return () => { for (const cooling of half) cooling.isProbed = false; };
  }

  failed(effect: Effect, scope: string, { reason, beganAt, now, coolDown, retryAfterMs }: {
    readonly reason: CoolingReason; readonly beganAt: number; readonly now: number; readonly coolDown: CoolDown; readonly retryAfterMs: number;
  }): void {
    if (effect === 'none' || beganAt < this.#forgotAt) return;
    const cooling = this.#coolingOf(effect === 'member' ? undefined : scope);
    if (cooling.failed(reason, beganAt, now, coolDown, retryAfterMs)) this.onNote?.(cooling.note(effect === 'member' ? undefined : scope, now, beganAt));
  }

  /** Notes that a request that began at `beganAt` was answered; without a scope, that only the upstream as a whole is well. */
  succeeded(scope: string | undefined, beganAt: number, now: number): void {
    const isMemberNew = this.#cooling.succeeded(beganAt);
    const isScopeNew = scope !== undefined && this.#scopes.get(scope)?.cooling.succeeded(beganAt) === true;
    if (isMemberNew || isScopeNew) this.onNote?.({ kind: 'well', scope, beganAgoMs: now - beganAt });
  }

  /** Notes what is left of the quota for a model; `wallNow` is the clock of `quota.resetsAt`. */
  quotaSeen(scope: string, quota: Quota, { floor, beganAt, now, wallNow }: { readonly floor: number; readonly beganAt: number; readonly now: number; readonly wallNow: number }): void {
    if (beganAt < this.#forgotAt) return;
    const known = this.#scopes.get(scope);
    if (quota.share >= floor) {
      if (known === undefined || known.lowUntil === 0) return;
      known.lowUntil = 0;
      this.onNote?.({ kind: 'low', scope, lowForMs: 0 });
      return;
    }
    const noted = known ?? this.#scope(scope);
    const lowForMs = quota.resetsAt - wallNow;
    const isNew = Math.abs(now + lowForMs - noted.lowUntil) > RESET_STEP_MS;
    noted.lowUntil = now + lowForMs;
    if (isNew) this.onNote?.({ kind: 'low', scope, lowForMs });
  }

  /** Takes what another process noted. Nothing of it is noted again. */
  take(note: HealthNote, now: number): void {
    if (note.kind === 'ill') {
      if (now - note.beganAgoMs >= this.#forgotAt) this.#coolingOf(note.scope).take(note, now);
    } else if (note.kind === 'well') {
      this.#cooling.succeeded(now - note.beganAgoMs);
      if (note.scope !== undefined) this.#scopes.get(note.scope)?.cooling.succeeded(now - note.beganAgoMs);
    } else if (note.kind === 'probed') {
      (note.scope === undefined ? this.#cooling : this.#scopes.get(note.scope)?.cooling)?.probedElsewhere(now);
    } else {
      this.#scope(note.scope).lowUntil = note.lowForMs === 0 ? 0 : now + note.lowForMs;
    }
  }

  /** All that another process needs to see the same. */
  notes(now: number): HealthNote[] {
    const scopes = [...this.#scopes];
    const ill = ([scope, { cooling }]: [string, ScopeHealth]): IllNote[] => (cooling.failures === 0 ? [] : [cooling.note(scope, now)]);
    return [
      ...(this.#cooling.failures === 0 ? [] : [this.#cooling.note(undefined, now)]),
      ...scopes.flatMap(ill),
      ...scopes.flatMap(([scope, { lowUntil }]): HealthNote[] => (lowUntil > now ? [{ kind: 'low', scope, lowForMs: lowUntil - now }] : [])),
    ];
  }

  /** Forgets all of it, for an upstream with a new credential or address, and what comes of requests that began before `now`. */
  reset(now: number): void {
    this.#forgotAt = now;
    this.#cooling.failures = 0;
    this.#cooling.until = 0;
    this.#cooling.reason = undefined;
    this.#scopes.clear();
  }

  view(now: number): MemberHealthView {
    const { failures, reason, until, illSince } = this.#cooling;
    const scopes = [...this.#scopes].filter(([, { cooling }]) => cooling.state(now) === 'cooling')
      .map(([scope, { cooling }]) => ({ scope, reason: cooling.reason, coolsForMs: cooling.until - now }));
    return { state: this.#cooling.state(now), failures, coolsForMs: failures === 0 ? 0 : Math.max(0, until - now), reason, illForMs: failures === 0 ? 0 : now - illSince, scopes };
  }

  #coolingOf(scope: string | undefined): Cooling {
    return scope === undefined ? this.#cooling : this.#scope(scope).cooling;
  }

  /** What is remembered of a model. Of most members that is nothing: then its name, which comes anew with each request, is not looked up. */
  #known(scope: string): ScopeHealth | undefined {
    return this.#scopes.size === 0 ? undefined : this.#scopes.get(scope);
  }

  #scope(scope: string): ScopeHealth {
    let known = this.#scopes.get(scope);
    if (known === undefined) {
      if (this.#scopes.size >= MAX_SCOPES) for (const first of this.#scopes.keys()) { this.#scopes.delete(first); break; }
      known = new ScopeHealth();
      this.#scopes.set(scope, known);
    }
    return known;
  }
}
