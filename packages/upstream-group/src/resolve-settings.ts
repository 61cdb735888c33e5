import { describeUnknownOption, describeWrongOption, type OptionType } from '@penstock/option-names';
import { DEFAULT_TIMEOUTS } from '@penstock/upstream-client';
import { digestOf, type Digest } from './choice/rank-members.ts';
import { DEFAULT_FAIL_OVER_ON, type FailOverOn, type GroupClient, type GroupMember, type GroupSettings, type UpstreamGroupOptions } from './group-options.ts';
import type { CoolDown } from './health/cooling.ts';
import { MemberHealth } from './health/member-health.ts';
import { UpstreamGroupError } from './upstream-group-error.ts';

/** A member with everything that is known of it. */
export interface Member {
  readonly name: string;
  readonly client: GroupClient;
  readonly weight: number;
  readonly tier: number;
  readonly digest: Digest;
  readonly failsOverNotSent: boolean;
  readonly failOverStatuses: ReadonlySet<number>;
  readonly health: MemberHealth;
}

/** Settings with nothing left out. */
export interface ResolvedSettings {
  readonly members: readonly Member[];
  readonly byName: ReadonlyMap<string, Member>;
  readonly spillAt: number;
  readonly quotaFloor: number;
  readonly coolDown: CoolDown;
  readonly slotWaitMs: number;
  readonly headersMs: number;
}

const SETTING_TYPES: Readonly<Record<keyof GroupSettings, OptionType>> = Object.freeze({ members: 'list', spillAt: 'number?', quotaFloor: 'number?', failOverOn: 'list?', coolDownMs: 'list?', slotWaitMs: 'number?', headersMs: 'number?' });
/** What a group is made from. */
export const GROUP_TYPES: Readonly<Record<keyof UpstreamGroupOptions, OptionType>> = Object.freeze({ ...SETTING_TYPES, events: 'object?', readQuota: 'function?' });
const MEMBER_TYPES: Readonly<Record<keyof GroupMember, OptionType>> = Object.freeze({ name: 'string', client: 'object', weight: 'number?', tier: 'number?', failOverOn: 'list?' });

/** Refuses options that are not known, and those of another type. */
export function checkOptions(prefix: string, given: object, types: Readonly<Record<string, OptionType>>): void {
  const unknown = describeUnknownOption(given, types);
  if (unknown !== undefined) throw new UpstreamGroupError('unknown_option', prefix + unknown);
  const wrong = describeWrongOption(given, types);
  if (wrong !== undefined) throw new UpstreamGroupError('invalid_option', prefix + wrong);
}

function refuse(option: string, expected: string, received: unknown): never {
  throw new UpstreamGroupError('invalid_option', `${option} must be ${expected}, received ${String(received)}`);
}

function within(option: string, value: number, expected: string, isValid: (value: number) => boolean): number {
  return typeof value === 'number' && isValid(value) ? value : refuse(option, expected, value);
}

function checkFailOverOn(option: string, list: readonly FailOverOn[]): readonly FailOverOn[] {
  for (const entry of list) {
    // A 2xx or 3xx was served; of a 408 or a 500 it is not known whether the request ran.
    if (entry !== 'not_sent' && !(Number.isInteger(entry) && entry >= 400 && entry <= 599)) refuse(option, 'a list of "not_sent" and statuses from 400 to 599', entry);
  }
  return list;
}

/** Checks the settings and lays them over the defaults. A member keeps the health of the one before that has its name and client. */
export function resolveSettings(settings: GroupSettings, before?: ResolvedSettings): ResolvedSettings {
  checkOptions('', settings, SETTING_TYPES);
  settings.members.forEach((member, index) => { checkOptions(`members[${index}].`, member, MEMBER_TYPES); });
  const { members, spillAt = 1, quotaFloor = 0.02, failOverOn = DEFAULT_FAIL_OVER_ON, coolDownMs: [minMs, maxMs] = [1_000, 60_000] } = settings;
  const { slotWaitMs = DEFAULT_TIMEOUTS.slotWaitMs, headersMs = DEFAULT_TIMEOUTS.headersMs } = settings;
  if (members.length === 0) refuse('members', 'a list of at least one member', 'an empty one');
  checkFailOverOn('failOverOn', failOverOn);
  within('coolDownMs[0]', minMs, 'a number of at least 1', (value) => value >= 1);
  within('coolDownMs[1]', maxMs, 'a number of at least coolDownMs[0]', (value) => value >= minMs && Number.isFinite(value));
  const resolved = members.map((member, index) => resolveMember(member, index, failOverOn, before));
  const byName = new Map(resolved.map((member) => [member.name, member]));
  if (byName.size < resolved.length) refuse('members', 'a list of members with different names', 'two of one name');
  return {
    members: resolved, byName, coolDown: { minMs, maxMs },
    spillAt: within('spillAt', spillAt, 'a number above 0 and at most 1', (value) => value > 0 && value <= 1),
    quotaFloor: within('quotaFloor', quotaFloor, 'a number from 0 to below 1', (value) => value >= 0 && value < 1),
    slotWaitMs: within('slotWaitMs', slotWaitMs, 'a positive number', (value) => value > 0),
    headersMs: within('headersMs', headersMs, 'a positive number', (value) => value > 0),
  };
}

function resolveMember({ name, client, weight = 1, tier = 0, failOverOn }: GroupMember, index: number, ofGroup: readonly FailOverOn[], before: ResolvedSettings | undefined): Member {
  const at = `members[${index}]`;
  if (name === '') refuse(`${at}.name`, 'a text of at least one character', '""');
  const list = failOverOn === undefined ? ofGroup : checkFailOverOn(`${at}.failOverOn`, failOverOn);
  const known = before?.byName.get(name);
  return {
    name, client, digest: digestOf(name),
    weight: within(`${at}.weight`, weight, 'a number above 0', (value) => value > 0 && Number.isFinite(value)),
    tier: within(`${at}.tier`, tier, 'an integer of at least 0', (value) => Number.isInteger(value) && value >= 0),
    failsOverNotSent: list.includes('not_sent'),
    failOverStatuses: new Set(list.filter((entry) => entry !== 'not_sent')),
    health: known?.client === client ? known.health : new MemberHealth(),
  };
}
