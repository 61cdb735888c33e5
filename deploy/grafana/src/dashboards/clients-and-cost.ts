import type { DashboardSpec, PanelSpec } from '../dashboard-spec.ts';
import { cost as costOf, rate, select, share } from '../promql.ts';

const CLIENT = 'client=~"$client"';
const TOKENS = 'penstock_tokens_total';
/** Grafana has no such unit; this is how it takes one of our own, with k and M before it. */
const TOKEN_RATE = 'si:tok/s';

const BURN_UNIT = 'currencyUSD';

/** Dollars per hour, which people compare; a rate is per second. */
const burn = (by: string): string => `3600 * ${costOf(['rate', '$__rate_interval'], { by, matchers: CLIENT })}`;

const cost: readonly PanelSpec[] = [
  {
    kind: 'graph', title: 'Cost by client', unit: BURN_UNIT, stacked: true,
    description: 'US dollars per hour, by the prices of the configuration and the built-in list prices; estimates where a response reported no usage. Results of a message batch that are read replace its estimate: below zero where that was higher. Who spends?',
    queries: [{ expression: burn('client'), legend: '{{client}}' }],
  },
  {
    kind: 'graph', title: 'Cost by model', unit: BURN_UNIT, stacked: true, description: 'US dollars per hour. The parts of an advisor or a fallback are under the model of each; message batches are other.',
    queries: [{ expression: burn('model'), legend: '{{model}}' }],
  },
  {
    kind: 'graph', title: 'Cost by upstream', unit: BURN_UNIT, stacked: true, description: 'US dollars per hour, by side and upstream.',
    queries: [{ expression: burn('side, upstream'), legend: '{{side}} {{upstream}}' }],
  },
  {
    kind: 'table', title: 'Cost in the shown time', unit: BURN_UNIT, width: 12,
    description: 'US dollars by client and model over the time that is shown at the top, below zero where results of earlier message batches cost less than their estimate. An estimate: what a client or model used before its first scrape is not in it. The log has each request\'s.',
    queries: [{ expression: `${costOf(['increase', '$__range'], { by: 'client, model', matchers: CLIENT })} != 0`, legend: '' }],
  },
  {
    kind: 'graph', title: 'Requests without a price', unit: 'reqps', width: 6, stacked: true, noValue: 'none',
    description: 'Requests whose model has no price: they are charged $5 and $25 per million tokens until prices has a row for it.',
    queries: [{ expression: rate('penstock_unpriced_requests_total', { by: 'upstream, model' }), legend: '{{upstream}} {{model}}' }],
  },
  {
    kind: 'graph', title: 'Ledger: requests that wait or are lost', unit: 'none', width: 6, noValue: 'there is no ledger',
    description: 'Requests whose cost the store does not have yet, and those that it will never have. behind is 1 while the store does not answer.',
    queries: [
      { expression: `sum (${select('penstock_ledger_pending_requests')})`, legend: 'waiting' },
      { expression: `sum (${select('penstock_ledger_lost_requests_total')})`, legend: 'lost' },
      { expression: `max (${select('penstock_ledger_behind')})`, legend: 'behind' },
    ],
  },
];

const tokens: readonly PanelSpec[] = [
  {
    kind: 'graph', title: 'Tokens by type', unit: TOKEN_RATE, stacked: true,
    description: 'Tokens per second as the upstream reported them. input is what was not read from a cache; the five types are billed at different prices.',
    queries: [{ expression: rate(TOKENS, { by: 'type', matchers: CLIENT }), legend: '{{type}}' }],
  },
  {
    kind: 'graph', title: 'Tokens by client', unit: TOKEN_RATE, stacked: true, description: 'All types together, per second. Who spends?',
    queries: [{ expression: rate(TOKENS, { by: 'client', matchers: CLIENT }), legend: '{{client}}' }],
  },
  {
    kind: 'graph', title: 'Tokens by model', unit: TOKEN_RATE, stacked: true, description: 'All types together, per second. Twenty names at most, learned from responses; the rest is other.',
    queries: [{ expression: rate(TOKENS, { by: 'model', matchers: CLIENT }), legend: '{{model}}' }],
  },
  {
    kind: 'table', title: 'Tokens in the shown time', unit: 'none', width: 12,
    description: 'Tokens by client, model and type over the time that is shown at the top. An estimate: what a client or model used before its first scrape is not in it. The log has each request\'s.',
    queries: [{ expression: `sum by (client, model, type) (increase(${select(TOKENS, CLIENT)}[$__range])) > 0`, legend: '' }],
  },
  {
    kind: 'graph', title: 'Input that came from a cache', unit: 'percentunit', max: 1, width: 6, noValue: 'no traffic',
    description: 'Part of the input tokens that were read from the prompt cache. A sudden drop is a prompt whose beginning changed, and a bill that grows.',
    queries: [{
      expression: share(rate(TOKENS, { matchers: `${CLIENT}, type="cache_read"` }),
        rate(TOKENS, { matchers: `${CLIENT}, type=~"input|cache_read|cache_write_5m|cache_write_1h"` })),
      legend: 'from cache',
    }],
  },
  {
    kind: 'graph', title: 'Where counts come from', unit: 'reqps', width: 6, stacked: true,
    description: 'final: the whole usage was read. partial: the stream ended before its last count. missing: no usage was found, and these requests are in no count.',
    queries: [{ expression: rate('penstock_usage_total', { by: 'source' }), legend: '{{source}}' }],
  },
];

const clients: readonly PanelSpec[] = [
  {
    kind: 'graph', title: 'Requests by client', unit: 'reqps', stacked: true, description: 'Requests that ended, per second. unauthenticated: no key or a wrong one.',
    queries: [{ expression: rate('penstock_requests_total', { by: 'client', matchers: CLIENT }), legend: '{{client}}' }],
  },
  {
    kind: 'graph', title: 'Failures by client', unit: 'reqps', stacked: true, description: 'Requests that did not end well, by client and how.',
    queries: [{ expression: rate('penstock_requests_total', { by: 'client, outcome', matchers: `${CLIENT}, outcome!="ok"` }), legend: '{{client}} {{outcome}}' }],
  },
  {
    kind: 'graph', title: 'Refused by a client\'s limit', unit: 'reqps', stacked: true, description: 'Requests that were refused by a limit that the configuration gives the client.',
    queries: [{ expression: rate('penstock_limit_rejections_total', { by: 'client, limit', matchers: CLIENT }), legend: '{{client}} {{limit}}' }],
  },
];

const people: readonly PanelSpec[] = [
  {
    kind: 'graph', title: 'Refused keys and tokens', unit: 'reqps', width: 6, stacked: true, noValue: 'none', description: 'Requests whose key or token was refused, by why, those to the administration too. The log lines credential refused and administrator refused have the address.',
    queries: [
      { expression: rate('penstock_credential_refusals_total', { by: 'side, reason' }), legend: '{{side}} {{reason}}' },
      { expression: rate('penstock_admin_refusals_total', { by: 'reason' }), legend: 'administration {{reason}}' },
    ],
  },
  {
    kind: 'graph', title: 'Sign-ins', unit: 'reqps', width: 6, stacked: true, noValue: 'sign-in is not configured', description: 'Sign-ins of Claude Code and their renewals, by how they ended.',
    queries: [{ expression: rate('penstock_sign_ins_total', { by: 'result' }), legend: '{{result}}' }],
  },
  {
    kind: 'graph', title: 'Acts of signing in', unit: 'reqps', width: 6, stacked: true, noValue: 'sign-in is not configured', description: 'The steps that the audit log has, such as a code that was confirmed or a session that was revoked.',
    queries: [{ expression: rate('penstock_sign_in_acts_total', { by: 'act' }), legend: '{{act}}' }],
  },
  {
    kind: 'graph', title: 'Telemetry that was dropped', unit: 'cps', width: 6, stacked: true, noValue: 'none', description: 'Batches of client telemetry that a collector did not get, by why.',
    queries: [{ expression: rate('penstock_telemetry_dropped_total', { by: 'reason' }), legend: '{{reason}}' }],
  },
];

const LIMIT = select('penstock_anthropic_ratelimit_limit');
const USED = select('penstock_anthropic_unified_utilization_ratio');

/** Whether the quota, or the subscription window, was renewed since the last response that reported it. */
const RENEWED = `${select('penstock_anthropic_ratelimit_reset_timestamp_seconds')} <= time()`;
const STARTED_ANEW = `${select('penstock_anthropic_unified_reset_timestamp_seconds')} <= time()`;

/** What is left of each quota: as the last response said until the quota is renewed, all of it from then on. */
const LEFT = `((${select('penstock_anthropic_ratelimit_remaining')} unless ${RENEWED}) or ${LIMIT})`;

const quota: readonly PanelSpec[] = [
  {
    kind: 'graph', title: 'Anthropic\'s quota: what is left', unit: 'percentunit', max: 1, width: 12, noValue: 'no response carried a quota',
    thresholds: { warning: 0.25, critical: 0.1 },
    description: 'The rest of each quota, by its limit, as the last response said; full again once it was renewed. At zero the API answers 429 to every client of this gateway.',
    queries: [{ expression: `min by (upstream, limit) (${LEFT} / ${LIMIT})`, legend: '{{upstream}} {{limit}}' }],
  },
  {
    kind: 'table', title: 'Anthropic\'s quota: numbers', unit: 'none', width: 6, noValue: 'no response carried a quota',
    description: 'What is left of each quota, in requests or tokens, where several gateways differ the least.',
    queries: [{ expression: `min by (upstream, limit) (${LEFT})`, legend: '' }],
  },
  {
    kind: 'graph', title: 'Subscription windows', unit: 'percentunit', width: 6, noValue: 'no subscription is used', thresholds: { warning: 0.75, critical: 0.9 },
    description: 'How much of each subscription window is used, where responses carry the unified quota family; nothing of one that has started anew.',
    queries: [{ expression: `max by (upstream, window) ((${USED} unless ${STARTED_ANEW}) or 0 * ${USED})`, legend: '{{upstream}} {{window}}' }],
  },
  {
    kind: 'graph', title: 'Status of subscription windows', unit: 'none', width: 12, noValue: 'no subscription is used', thresholds: { warning: 1, critical: 2 },
    description: '0: allowed. 1: allowed, with a warning. 2: requests are rejected until the window starts anew. As the last response said.',
    queries: [{ expression: `max by (upstream, window) (${select('penstock_anthropic_unified_status')} unless ${STARTED_ANEW})`, legend: '{{upstream}} {{window}}' }],
  },
  {
    kind: 'graph', title: 'Store of client limits: failures', unit: 'cps', width: 12, stacked: true,
    description: 'Steps that the shared store of client limits (Redis) failed at. Meanwhile limited clients are all let through or all refused, as limits.on_store_failure says.',
    queries: [{ expression: rate('penstock_limit_store_failures_total', { by: 'operation' }), legend: '{{operation}}' }],
  },
];

/** Cost and tokens by client and model, limits, and what is left of Anthropic's quota. */
export const clientsAndCost: DashboardSpec = {
  uid: 'penstock-clients', title: 'Penstock / Clients and cost',
  description: 'Who sends what, what it costs, how many tokens it takes, and how much of the quota is left.',
  variables: [{ name: 'client', label: 'Client', query: 'label_values(penstock_requests_total{job=~"$job"}, client)' }],
  rows: [
    { title: 'Cost', panels: cost },
    { title: 'Tokens', panels: tokens },
    { title: 'Clients', panels: clients },
    { title: 'Quota', panels: quota },
    { title: 'People (with identity.sign_in)', panels: people },
  ],
};
