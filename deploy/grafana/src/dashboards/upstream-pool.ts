import type { DashboardSpec, PanelSpec } from '../dashboard-spec.ts';
import { quantiles, rate, select, share } from '../promql.ts';

const UPSTREAM = 'upstream=~"$upstream"';

const occupancy: readonly PanelSpec[] = [
  {
    kind: 'graph', title: 'Connections by state', unit: 'none', width: 12, stacked: true,
    description: 'active carries a request, connecting is being made, idle is kept for reuse. Each holds a slot. At the limit, requests wait.',
    queries: [{ expression: `sum by (state) (${select('penstock_upstream_pool_connections', UPSTREAM)})`, legend: '{{state}}' }],
  },
  {
    kind: 'graph', title: 'Slots', unit: 'none', width: 6, description: 'How many connections may exist at once, and how many of them are kept when idle. One slot is one open stream.',
    queries: [
      { expression: `sum by (upstream) (${select('penstock_upstream_pool_max_connections', UPSTREAM)})`, legend: '{{upstream}} limit' },
      { expression: `sum by (upstream) (${select('penstock_upstream_pool_max_keepalive_connections', UPSTREAM)})`, legend: '{{upstream}} kept idle' },
    ],
  },
  {
    kind: 'graph', title: 'Saturation', unit: 'percentunit', width: 6, max: 1, thresholds: { warning: 0.8, critical: 0.95 },
    description: 'Connections in use or being made, by the limit. Steadily above 80 %: raise max_connections, see the sizing page. With several workers one may be full before the sum is.',
    queries: [{
      expression: `sum by (instance, upstream) (${select('penstock_upstream_pool_connections', `${UPSTREAM}, state=~"active|connecting"`)}) / sum by (instance, upstream) (${select('penstock_upstream_pool_max_connections', UPSTREAM)})`,
      legend: '{{upstream}} {{instance}}',
    }],
  },
];

const waiting: readonly PanelSpec[] = [
  {
    kind: 'graph', title: 'Connections by client', unit: 'none', width: 12, stacked: true,
    description: 'Connections that the requests of each client hold. One client near the number of slots keeps all others waiting.',
    queries: [{ expression: `sum by (upstream, client) (${select('penstock_upstream_pool_held', UPSTREAM)}) > 0`, legend: '{{upstream}} {{client}}' }],
  },
  {
    kind: 'graph', title: 'Requests that wait, by client', unit: 'none', width: 12, stacked: true,
    description: 'Who waits for a connection: the victims, not the cause. Connections by client shows who holds them.',
    queries: [{ expression: `sum by (upstream, client) (${select('penstock_upstream_pool_waiting', UPSTREAM)}) > 0`, legend: '{{upstream}} {{client}}' }],
  },
  {
    kind: 'graph', title: 'Requests that wait', unit: 'none', width: 8, description: 'Requests in the queue for a slot, and how many may be. A full queue refuses at once. With several workers each has its part of both.',
    queries: [
      { expression: `sum by (upstream) (${select('penstock_upstream_pool_waiting', UPSTREAM)})`, legend: '{{upstream}} waiting' },
      { expression: `sum by (upstream) (${select('penstock_upstream_pool_max_waiting', UPSTREAM)})`, legend: '{{upstream}} limit' },
    ],
  },
  {
    kind: 'graph', title: 'How long they waited', unit: 's', width: 8, thresholds: { warning: 1, critical: 4 },
    description: 'Time until a request had a connection of its own, making one included; those that got none are under Refused. At timeouts.slot_wait (5 s) a request is refused as overloaded.',
    queries: quantiles('penstock_upstream_pool_acquire_seconds', UPSTREAM),
  },
  {
    kind: 'graph', title: 'Refused', unit: 'reqps', width: 8, stacked: true,
    description: 'Requests that got no slot: they waited too long (timeout), the queue was full, or the process was shutting down.',
    queries: [{ expression: rate('penstock_upstream_pool_rejections_total', { by: 'upstream, reason', matchers: UPSTREAM }), legend: '{{upstream}} {{reason}}' }],
  },
  {
    kind: 'graph', title: 'Oldest waiter', unit: 's', width: 24, thresholds: { warning: 2, critical: 4 },
    description: 'How long the request at the head of the queue has waited. At timeouts.slot_wait (5 s) it is refused.',
    queries: [{ expression: `max by (upstream) (${select('penstock_upstream_pool_oldest_wait_seconds', UPSTREAM)})`, legend: '{{upstream}}' }],
  },
  {
    kind: 'heatmap', title: 'Distribution of waits', unit: 's', width: 24,
    description: 'How many requests waited how long. A band that climbs is a pool that fills up.',
    queries: [{ expression: rate('penstock_upstream_pool_acquire_seconds_bucket', { by: 'le', matchers: UPSTREAM }), legend: '{{le}}' }],
  },
];

const connections: readonly PanelSpec[] = [
  {
    kind: 'graph', title: 'Where connections come from', unit: 'reqps', stacked: true, description: 'reused from the idle ones, new, or queued: handed over after waiting.',
    queries: [{ expression: rate('penstock_upstream_pool_acquisitions_total', { by: 'source', matchers: UPSTREAM }), legend: '{{source}}' }],
  },
  {
    kind: 'graph', title: 'Reuse', unit: 'percentunit', max: 1, description: 'Part of the requests that needed no new connection. Low under steady traffic: the upstream closes early, or too few idle ones are kept.',
    noValue: 'no traffic',
    queries: [{
      expression: share(rate('penstock_upstream_pool_acquisitions_total', { matchers: `${UPSTREAM}, source!="new"` }),
        rate('penstock_upstream_pool_acquisitions_total', { matchers: UPSTREAM })),
      legend: 'reuse',
    }],
  },
  {
    kind: 'graph', title: 'Why connections close', unit: 'cps', stacked: true,
    description: 'idle_expired, surplus, retired and shutdown are the pool keeping house. upstream_closed, not_kept_alive, unsolicited, early_answer, failed and reset_on_reuse are the other side; aborted is a request that was given up, as when its client left.',
    queries: [{ expression: rate('penstock_upstream_connections_closed_total', { by: 'reason', matchers: UPSTREAM }), legend: '{{reason}}' }],
  },
  {
    kind: 'graph', title: 'Time to connect', unit: 's', description: 'Name resolution, TCP and TLS together, successful attempts only.',
    queries: quantiles('penstock_upstream_connect_seconds', UPSTREAM),
  },
  {
    kind: 'graph', title: 'Failures to connect', unit: 'cps', stacked: true, description: 'dns, refused, network and timeout are the way there, proxy the egress proxy; tls is a certificate or a protocol that was not accepted; aborted, no request waited for the connection any more.',
    queries: [{ expression: rate('penstock_upstream_connect_errors_total', { by: 'reason', matchers: UPSTREAM }), legend: '{{reason}}' }],
  },
  {
    kind: 'graph', title: 'TLS handshakes', unit: 'cps', description: 'resumed ones cost one round trip less than full ones. Nothing over plain HTTP.',
    queries: [{ expression: rate('penstock_upstream_tls_handshakes_total', { by: 'session', matchers: UPSTREAM }), legend: '{{session}}' }],
  },
];

const several: readonly PanelSpec[] = [
  {
    kind: 'graph', title: 'Requests that went to another upstream', unit: 'reqps', width: 6, stacked: true, noValue: 'one upstream, or none failed over',
    description: 'Requests that an upstream did not take, by the upstream that did and by why.',
    queries: [{ expression: rate('penstock_failovers_total', { by: 'from, to, reason' }), legend: '{{from}} → {{to}} {{reason}}' }],
  },
  {
    kind: 'graph', title: 'Sessions that moved', unit: 'cps', width: 6, stacked: true, noValue: 'one upstream, or none moved',
    description: 'Sessions that another upstream serves from then on. Each costs one miss of the prompt cache.',
    queries: [{ expression: rate('penstock_session_moves_total', { by: 'from, to' }), legend: '{{from}} → {{to}}' }],
  },
];

const memory: readonly PanelSpec[] = [
  {
    kind: 'graph', title: 'Request bytes in memory', unit: 'bytes', width: 12,
    description: 'Bodies that are gathered before they are sent, and their bound, by side. At the bound, requests of that side are refused as overloaded.',
    queries: [
      { expression: `sum by (side) (${select('penstock_buffered_bytes')})`, legend: '{{side}} gathered' },
      { expression: `sum by (side) (${select('penstock_buffered_bytes_limit')})`, legend: '{{side}} bound' },
    ],
  },
];

/** Occupancy and limit, who waits and how long, and why connections close. */
export const upstreamPool: DashboardSpec = {
  uid: 'penstock-upstream-pool', title: 'Penstock / Upstream pool',
  description: 'Who has a connection to the upstream, who waits for one and how long, and why connections fail and close.',
  variables: [{ name: 'upstream', label: 'Upstream', query: 'label_values(penstock_upstream_pool_max_connections{job=~"$job"}, upstream)' }],
  rows: [
    { title: 'Occupancy', panels: occupancy },
    { title: 'Waiting', panels: waiting },
    { title: 'Connections', panels: connections },
    { title: 'Several upstreams', panels: several },
    { title: 'Memory', panels: memory },
  ],
};
