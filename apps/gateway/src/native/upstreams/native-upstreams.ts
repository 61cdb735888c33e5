import type { GroupEvents, GroupNote, GroupSettings, MemberStatus, UpstreamGroup } from '@penstock/upstream-group';
import { nativeUpstreams, type EffectiveUpstream } from '../../config/native-upstreams.ts';
import type { GatewayConfig } from '../../config/gateway-config.ts';
import type { ModelMap } from './model-map.ts';
import { upstreamGroup } from '../../pipe/upstream-group.ts';
import { NativeUpstream, type NativeUpstreamParts } from './native-upstream.ts';
import { KIND_TRAITS } from './upstream-kinds.ts';

/** How long an upstream that left the configuration takes requests that came before, in milliseconds. */
const LEAVING_MS = 60_000;

/** The options of `NativeUpstreams`. */
export interface NativeUpstreamsOptions extends NativeUpstreamParts {
  readonly config: GatewayConfig;
  /** Failovers and moves of sessions. */
  readonly events: GroupEvents;
}

/** Upstreams that one group chooses from, replaced as a whole: a request looks its tries up where the group looked up its members. */
export interface GroupedUpstreams {
  readonly byName: ReadonlyMap<string, NativeUpstream>;
  /** The name of the one that serves what refers to the state of an account. */
  readonly stateful: string;
  /** Names of models, by the names of the upstreams that have their own; absent where none has. */
  readonly modelMaps: ReadonlyMap<string, ModelMap> | undefined;
  /** Whether one of them has a credential of a cloud: it covers bodies by a signature, or one that does may replace it while it is fetched. */
  readonly hasClouds: boolean;
}

/** A group, and what its members are at this moment. One that was given up keeps its last members, for requests that came before. */
export interface NativeGroup {
  readonly dispatcher: UpstreamGroup;
  current: GroupedUpstreams;
}

/** The upstreams of the native side. With one of them there is no group, unless its requests need work per try (other names of models, a credential that is fetched or signs): they go to its client as they are. */
export class NativeUpstreams {
  readonly #options: NativeUpstreamsOptions;
  readonly #leaving = new Set<NativeUpstream>();
  #list: readonly NativeUpstream[] = [];
  #byName: ReadonlyMap<string, NativeUpstream> = new Map();
  #group: NativeGroup | undefined;

  constructor(options: NativeUpstreamsOptions) {
    this.#options = options;
    this.prepare(options.config)();
  }

  get list(): readonly NativeUpstream[] {
    return this.#list;
  }

  /** The one listed first. */
  get first(): NativeUpstream {
    return this.#list[0] as NativeUpstream;
  }

  /** Absent where there is one upstream only, and its requests need no work per try. */
  get group(): NativeGroup | undefined {
    return this.#group;
  }

  /** The health of each as the group sees it; none without a group. */
  members(): readonly MemberStatus[] {
    return this.#group?.dispatcher.members() ?? [];
  }

  /** Takes what the same group of another worker noted. */
  take(notes: readonly GroupNote[]): void {
    this.#group?.dispatcher.take(notes);
  }

  /** What a new worker has to take. */
  notes(): readonly GroupNote[] {
    return this.#group?.dispatcher.notes() ?? [];
  }

  /** Makes the upstreams that a configuration adds; what it gives back applies it. Those that it does not list any more finish what they serve. */
  prepare(config: GatewayConfig): () => void {
    const listed = nativeUpstreams(config);
    const made = new Map<string, NativeUpstream>();
    // To apply a configuration must not throw.
    if (listed.length === 0) throw new Error('this configuration has no upstream of the Anthropic API, which a restart switches off');
    if (config.anthropic_native.upstreams.length > 0) upstreamGroup();
    try {
      for (const next of listed) {
        if (this.#byName.get(next.name)?.canTake(next) !== true) made.set(next.name, new NativeUpstream(next, this.#options));
      }
    } catch (error) {
      for (const upstream of made.values()) void upstream.close(0);
      throw error;
    }
    return () => { this.#apply(config, listed, made); };
  }

  #apply(config: GatewayConfig, listed: readonly EffectiveUpstream[], made: ReadonlyMap<string, NativeUpstream>): void {
    const before = this.#byName;
    const renewed: string[] = [];
    this.#list = listed.map((next) => {
      const upstream = made.get(next.name) ?? before.get(next.name);
      if (upstream === undefined) throw new Error('an upstream was not made');
      if (!made.has(next.name) && upstream.update(next)) renewed.push(next.name);
      return upstream;
    });
    this.#byName = new Map(this.#list.map((upstream) => [upstream.name, upstream]));
    this.#updateGroup(config);
    for (const name of renewed) this.#group?.dispatcher.forgetHealth(name);
    for (const upstream of before.values()) if (!this.#list.includes(upstream)) this.#retire(upstream);
  }

  async close(graceMs: number): Promise<void> {
    await Promise.all([...this.#list, ...this.#leaving].map((upstream) => upstream.close(graceMs)));
  }

  #updateGroup(config: GatewayConfig): void {
    const modelMaps = mapsOf(this.#list);
    // What is made anew for each try is made by the group, also where there is one upstream to try.
    if (this.#list.length === 1 && modelMaps === undefined && this.first.cloud === undefined) {
      this.#group = undefined;
      return;
    }
    const settings = groupSettings(config, this.#list);
    const current: GroupedUpstreams = {
      byName: this.#byName, stateful: config.anthropic_native.routing.stateful ?? this.first.name, modelMaps, hasClouds: this.#list.some(({ cloud }) => cloud !== undefined),
    };
    if (this.#group === undefined) {
      this.#group = { dispatcher: upstreamGroup().createUpstreamGroup({ ...settings, events: this.#options.events }), current };
      return;
    }
    this.#group.dispatcher.update(settings);
    this.#group.current = current;
  }

  /** Requests whose bodies are still received were made for it: they are sent to it, too. */
  #retire(upstream: NativeUpstream): void {
    this.#leaving.add(upstream);
    setTimeout(() => { void upstream.close().finally(() => { this.#leaving.delete(upstream); }); }, LEAVING_MS).unref();
  }
}

function mapsOf(list: readonly NativeUpstream[]): ReadonlyMap<string, ModelMap> | undefined {
  const maps = new Map(list.flatMap(({ name, modelMap }) => (modelMap === undefined ? [] : [[name, modelMap] as const])));
  return maps.size === 0 ? undefined : maps;
}

function groupSettings({ anthropic_native: { routing, timeouts } }: GatewayConfig, list: readonly NativeUpstream[]): GroupSettings {
  const [first, longest] = routing.cool_down;
  return {
    members: list.map(({ name, client, config }) => ({
      name, client, weight: config.weight, tier: config.tier, failOverOn: KIND_TRAITS[config.kind].refusesWith(config, routing.fail_over_on),
    })),
    spillAt: routing.spill_at, quotaFloor: routing.quota_floor, failOverOn: routing.fail_over_on, coolDownMs: [first * 1_000, longest * 1_000],
    slotWaitMs: timeouts.slot_wait * 1_000, headersMs: timeouts.message_headers * 1_000,
  };
}
