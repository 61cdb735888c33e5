import { performance } from 'node:perf_hooks';
import type { UpstreamHandler } from '@penstock/upstream-client';
import { chooseMember } from './choice/choose-member.ts';
import { MoveTable } from './choice/move-table.ts';
import { StickyKeys } from './choice/sticky-keys.ts';
import type { GroupDispatchOptions, GroupEvents, GroupSettings, UpstreamGroupOptions } from './group-options.ts';
import type { GroupNote } from './health/group-note.ts';
import { readLeastShare } from './health/read-quota.ts';
import { Dispatcher } from './undici-dispatcher.ts';
import { checkOptions, GROUP_TYPES, resolveSettings, type ResolvedSettings } from './resolve-settings.ts';
import { reportThrown, type GroupContext } from './tries/group-context.ts';
import { GroupExchange } from './tries/group-exchange.ts';
import type { MemberStatus, UpstreamGroup } from './upstream-group.ts';

/**
 * The dispatcher itself. Members are TypeScript-private, not `#private`: undici's `compose` puts a `Proxy` around a dispatcher, and a `#private` member
 * cannot be read through one.
 */
class GroupDispatcher extends Dispatcher implements UpstreamGroup {
  private readonly moves = new MoveTable();
  private readonly events: GroupEvents;
  private context: GroupContext;
  private settings: ResolvedSettings;

  constructor({ events = {}, readQuota = readLeastShare, ...settings }: UpstreamGroupOptions) {
    super();
    this.events = events;
    this.settings = resolveSettings(settings);
    this.listen();
    this.context = {
      settings: this.settings,
      keys: new StickyKeys(),
      choose: (request, now) => {
        const choice = chooseMember(request, this.settings, this.moves, now);
        if (choice?.movedFrom !== undefined && choice.movedKey !== undefined) {
          this.moves.moved(choice.movedKey, request.owner, choice.member.name, now);
          reportThrown(() => this.events.moved?.({ from: choice.movedFrom?.name ?? '', to: choice.member.name }));
        }
        return choice;
      },
      quotaSeen: (member, scope, rawHeaders, beganAt) => {
        const floor = this.settings.quotaFloor;
        if (floor === 0) return;
        const wallNow = Date.now();
        const quota = readQuota(rawHeaders, wallNow);
        // Most responses show enough, as those before them did.
        if (quota === undefined || (quota.share >= floor && !member.health.wasLow(scope))) return;
        member.health.quotaSeen(scope, quota, { floor, beganAt, now: performance.now(), wallNow });
      },
      failedOver: (route, failover) => {
        reportThrown(() => this.events.failedOver?.(failover));
        reportThrown(() => route.failedOver?.(failover));
      },
      answeredBy: (route, member, dropped) => {
        reportThrown(() => route.answeredBy?.(member, dropped));
      },
    };
  }

  override dispatch(options: GroupDispatchOptions, handler: UpstreamHandler): boolean {
    if (handler === null || typeof handler !== 'object' || typeof handler.onResponseError !== 'function') throw new TypeError('handler must have an onResponseError method');
    new GroupExchange(handler, options, this.context).start();
    return true;
  }

  members(): readonly MemberStatus[] {
    const now = performance.now();
    return this.settings.members.map(({ name, weight, tier, client, health }) => ({ name, weight, tier, load: client.load(), ...health.view(now) }));
  }

  movedSessions(): number {
    return this.moves.size;
  }

  notes(): readonly GroupNote[] {
    const now = performance.now();
    return [...this.settings.members.flatMap(({ name, health }) => health.notes(now).map((note) => ({ ...note, member: name }))), ...this.moves.notes(now)];
  }

  take(notes: readonly GroupNote[]): void {
    const now = performance.now();
    for (const note of notes) {
      if (note.kind === 'moved') this.moves.remember(note.key, note.owner, note.to, now);
      else this.settings.byName.get(note.member)?.health.take(note, now);
    }
  }

  /** Without a listener nothing is noted. */
  private listen(): void {
    const { events } = this;
    if (events.noted === undefined) return;
    this.moves.onNote = (note) => { reportThrown(() => events.noted?.(note)); };
    for (const { name, health } of this.settings.members) health.onNote = (note) => { reportThrown(() => events.noted?.({ ...note, member: name })); };
  }

  forgetHealth(member: string): void {
    this.settings.byName.get(member)?.health.reset(performance.now());
  }

  update(settings: GroupSettings): void {
    this.settings = resolveSettings(settings, this.settings);
    // Requests under way keep theirs. What was remembered of keys refers to members, which may have left.
    this.context = { ...this.context, settings: this.settings, keys: new StickyKeys() };
    this.listen();
  }

  override close(callback: () => void): void;
  override close(): Promise<void>;
  override close(callback?: () => void): Promise<void> | void {
    return finish(Promise.all(this.settings.members.map(async ({ client }) => { await client.close?.(); })), callback);
  }

  override destroy(callback: () => void): void;
  override destroy(error: Error | null, callback: () => void): void;
  override destroy(error?: Error | null): Promise<void>;
  override destroy(first?: Error | null | (() => void), second?: () => void): Promise<void> | void {
    const error = typeof first === 'function' ? null : first ?? null;
    return finish(Promise.all(this.settings.members.map(async ({ client }) => { await client.destroy?.(error); })), typeof first === 'function' ? first : second);
  }
}

function finish(ended: Promise<unknown>, callback: (() => void) | undefined): Promise<void> | void {
  if (callback === undefined) return ended.then(() => undefined);
  void ended.finally(() => { setImmediate(callback); });
  return undefined;
}

/**
 * Makes a dispatcher over several upstream clients: sticky choice, health with memory, and failover of requests that certainly did not run.
 *
 * @throws UpstreamGroupError `invalid_option`, with the option, the expectation and what was received.
 */
export function createUpstreamGroup(options: UpstreamGroupOptions): UpstreamGroup {
  checkOptions('', { ...options }, GROUP_TYPES);
  return new GroupDispatcher(options);
}
