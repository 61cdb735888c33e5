import { CAUSE_TRAITS, CAUSES, type Cause, type Condition } from '../causes.ts';
import { conditionsOf, describeShare, fullPartOf, type FullPart, type UpstreamSnapshot } from '../upstreams/upstream-snapshot.ts';
import { ACTIVITY_STEP_MS } from './activity.ts';
import { describePart } from './part-sentences.ts';
import { countOf, formatCount, formatSpan, formatTime } from './format-values.ts';
import type { OpenRow, PoolHolder, StatusPart } from './status-part.ts';

/** Requests with an unknown key in one minute from which on they are a cause. */
export const WRONG_KEYS_A_MINUTE = 20;
const STEPS_A_MINUTE = 60_000 / ACTIVITY_STEP_MS;

/** The state of a whole gateway from which its verdict follows. Times are Unix milliseconds. */
export interface VerdictState {
  readonly now: number;
  readonly part: Pick<StatusPart, 'open' | 'states' | 'quotas' | 'activity'>;
  /** The shutdown that is under way. */
  readonly drain: { readonly since: number; readonly endsAt: number } | undefined;
  /** Whether at least one process can take requests, or the gateway is not expected to. */
  readonly isServing: boolean;
  /** What is wrong with parts other than upstreams. */
  readonly conditions: readonly Condition[];
}

/** One thing that is wrong, in words. */
export interface Finding {
  readonly text: string;
  readonly cause: Cause;
  /** The upstream, client or side that the cause is about, by its configured name. */
  readonly party: string;
  readonly since: number | undefined;
}

/** Finds everything that is wrong, worst first: by the order of `CAUSES`, and what began first of the same cause. */
export function findVerdict(state: VerdictState): readonly Finding[] {
  const found = [
    ...ofGateway(state), ...state.part.states.flatMap((upstream) => ofUpstream(upstream, state)), ...ofKeys(state), ...ofSlowClients(state),
  ];
  return found.toSorted((one, other) => CAUSES.indexOf(one.cause) - CAUSES.indexOf(other.cause) || (one.since ?? state.now) - (other.since ?? state.now));
}

/** The severity of a cause as the verdict shows it. */
export function severityOf(cause: Cause): 'info' | 'warning' | 'error' {
  return CAUSE_TRAITS[cause].severity;
}

function ofGateway({ now, drain, isServing, conditions, part }: VerdictState): readonly Finding[] {
  const found = conditions.map((condition): Finding => ({ cause: condition.cause, party: condition.party, since: condition.since, text: describePart(condition, now) }));
  if (!isServing && drain === undefined) found.push({ cause: 'no_worker_ready', party: 'gateway', since: undefined, text: 'No worker is ready: every request is refused or waits.' });
  if (drain === undefined) return found;
  const { total, clients } = part.open;
  const left = drain.endsAt > now ? `those that are open in ${formatSpan((drain.endsAt - now) / 1_000)} are broken` : 'they are being broken';
  const oldest = Math.min(now, ...clients.map(({ oldestStartedAt }) => oldestStartedAt));
  const text = total === 0
    ? 'Shutting down: no response is open.'
    : `Shutting down: ${countOf(total, 'response')} ${total === 1 ? 'is' : 'are'} open (${largestClients(clients)}), the oldest for ${formatSpan((now - oldest) / 1_000)}; ${left}.`;
  return [...found, { cause: 'draining', party: 'gateway', since: drain.since, text }];
}

function largestClients(clients: readonly { readonly client: string; readonly open: number }[]): string {
  const sorted = clients.toSorted((one, other) => other.open - one.open);
  const rest = sorted.slice(3).reduce((sum, { open }) => sum + open, 0);
  return [...sorted.slice(0, 3).map(({ client, open }) => `${client} ${formatCount(open)}`), ...(rest > 0 ? [`others ${formatCount(rest)}`] : [])].join(', ');
}

function ofUpstream(upstream: UpstreamSnapshot, state: VerdictState): readonly Finding[] {
  return conditionsOf([upstream]).map(({ cause, party, since }): Finding => {
    const holders = state.part.open.holders.filter((holder) => holder.upstream === upstream.name);
    // Holders are those of all workers: since when the share of one is full does not follow from them.
    const fullSince = holders.length === 0 || fullPartOf(upstream.pool)?.workers !== undefined ? undefined : Math.max(...holders.map(({ newestAt }) => newestAt));
    const isOfPool = cause === 'pool_full' || cause === 'pool_held_by_one_client';
    return { cause, party, since: isOfPool ? fullSince : since, text: SENTENCES[cause]({ upstream, party, since, holders, state }) };
  });
}

interface Facts {
  readonly upstream: UpstreamSnapshot;
  readonly party: string;
  readonly since: number | undefined;
  readonly holders: readonly PoolHolder[];
  readonly state: VerdictState;
}

/** The sentence of each cause that an upstream can have; the others have theirs elsewhere in this file. */
const SENTENCES: Readonly<Record<Cause, (facts: Facts) => string>> = {
  no_worker_ready: plainSentence,
  side_absent: plainSentence,
  limit_store_failing: plainSentence,
  issuer_failing: plainSentence,
  sign_in_provider_failing: plainSentence,
  sign_in_store_failing: plainSentence,
  ledger_failing: plainSentence,
  budget_spent: plainSentence,
  price_missing: plainSentence,
  draining: plainSentence,
  wrong_keys: plainSentence,
  slow_client: plainSentence,
  credential_refused: (facts) => `${nameOf(facts)} has refused this gateway's key${timeOf(facts)}${lastSuccess(facts)}. Clients are not to blame: replace the key in the configuration.`,
  upstream_unreachable: (facts) => `${nameOf(facts)} cannot be reached${timeOf(facts)}${lastSuccess(facts)}.`,
  backend_unreachable: (facts) => `${nameOf(facts)} cannot be reached${timeOf(facts)}${lastSuccess(facts)}.`,
  upstream_failing: (facts) => `${nameOf(facts)} does not answer, or breaks its answers,${timeOf(facts)}${lastSuccess(facts)}.`,
  backend_failing: (facts) => `${nameOf(facts)} does not answer, or breaks its answers,${timeOf(facts)}${lastSuccess(facts)}.`,
  pool_held_by_one_client: describeHolder,
  pool_full: describeFull,
  quota_spent: describeQuota,
  api_failing: (facts) => `${nameOf(facts)} answers with errors of its own${timeOf(facts)}${lastSuccess(facts)}. Nothing has to be changed here.`,
};

function plainSentence({ party, state, since }: Facts): string {
  return `${party}${since === undefined ? '' : ` since ${formatTime(since, state.now)}`}.`;
}

function describeFull({ upstream: { name, pool } }: Facts): string {
  const { maxConnections, clients, waiting, workers }: FullPart = fullPartOf(pool) ?? pool;
  return `All ${countOf(maxConnections, 'connection')}${describeShare(workers)} to ${nameUpstream(name)} are held by ${countOf(clients.filter(({ held }) => held > 0).length, 'client')}; ${formatCount(waiting)} wait.`;
}

function describeHolder({ upstream, party, holders, state }: Facts): string {
  const { maxConnections, clients, waiting, workers }: FullPart = fullPartOf(upstream.pool) ?? upstream.pool;
  const held = clients.find(({ client }) => client === party)?.held ?? 0;
  const oldest = workers === undefined ? holders.find(({ client }) => client === party)?.oldestAt : undefined;
  const age = oldest === undefined ? '' : `, the oldest for ${formatSpan((state.now - oldest) / 1_000)}`;
  return `${party} holds ${formatCount(held)} of ${countOf(maxConnections, 'connection')}${describeShare(workers)} to ${nameUpstream(upstream.name)}${age}; ${formatCount(waiting)} wait.`;
}

function describeQuota(facts: Facts): string {
  const { upstream, state } = facts;
  const spent = state.part.quotas.filter((quota) => quota.upstream === upstream.name && quota.usedRatio >= 1 && (quota.resetsAt ?? 0) > state.now)
    .toSorted((one, other) => (other.resetsAt ?? 0) - (one.resetsAt ?? 0));
  const [latest] = spent;
  const detail = latest === undefined ? '' : ` The quota ${spent.map(({ quota }) => quota).join(', ')} is spent; it is full again in ${formatSpan(((latest.resetsAt ?? 0) - state.now) / 1_000)}.`;
  return `${nameOf(facts)} answers 429${timeOf(facts)}.${detail}`;
}

function nameOf({ upstream }: Pick<Facts, 'upstream'>): string {
  const name = nameUpstream(upstream.name);
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** An upstream's name in metrics, in words. */
function nameUpstream(name: string): string {
  if (name === 'native') return 'the Anthropic API (native)';
  return name.startsWith('front_door_') ? `the backend ${name.slice('front_door_'.length)} of the front door` : `the upstream ${name}`;
}

function timeOf({ since, state }: Facts): string {
  return since === undefined ? '' : ` since ${formatTime(since, state.now)}`;
}

function lastSuccess({ upstream: { succeededAt }, state }: Facts): string {
  return succeededAt === 0 ? '; no request has succeeded since the start' : `; the last success was ${formatSpan((state.now - succeededAt) / 1_000)} ago`;
}

/** Callers that present a key that is not known. Which address they come from is in the log: the page names no person. */
function ofKeys({ part: { activity }, now }: VerdictState): readonly Finding[] {
  const steps = activity.series.unauthenticated;
  const lastMinute = steps.slice(-STEPS_A_MINUTE).reduce((sum, count) => sum + count, 0);
  if (lastMinute < WRONG_KEYS_A_MINUTE) return [];
  let first = steps.length - 1;
  for (let index = first, quiet = 0; index >= 0 && quiet < STEPS_A_MINUTE; index -= 1) {
    quiet = (steps[index] ?? 0) > 0 ? 0 : quiet + 1;
    if (quiet === 0) first = index;
  }
  const since = Math.min(now, (activity.lastStep - (steps.length - 1 - first)) * ACTIVITY_STEP_MS);
  return [{
    cause: 'wrong_keys', party: 'unauthenticated', since,
    text: `${countOf(lastMinute, 'request')} with an unknown key in the last minute, since ${formatTime(since, now)}; the log names their address (credential refused).`,
  }];
}

/** Clients that do not take their answers: each keeps a connection of the pool. */
function ofSlowClients({ part: { open: { stalled } }, now }: VerdictState): readonly Finding[] {
  const byClient = new Map<string, OpenRow[]>();
  for (const row of stalled) byClient.set(row.client, [...byClient.get(row.client) ?? [], row]);
  return Array.from(byClient, ([client, rows]): Finding => {
    const since = Math.min(...rows.map(({ stalledAt }) => stalledAt ?? now));
    return { cause: 'slow_client', party: client, since, text: `${client} does not read ${rows.length === 1 ? 'an answer' : `${rows.length} answers`}: nothing was taken for ${formatSpan((now - since) / 1_000)}.` };
  });
}
