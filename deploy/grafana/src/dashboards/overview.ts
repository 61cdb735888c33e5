import { OUTCOMES_BY_FAULT } from '../outcomes-by-fault.ts';
import type { DashboardSpec, PanelSpec } from '../dashboard-spec.ts';
import { quantiles, rate, select, share } from '../promql.ts';

const SIDE = 'side=~"$side"';
const OUTCOMES = 'penstock_request_outcomes_total';
const ALL_REQUESTS = rate(OUTCOMES, { matchers: SIDE });

function outcomes(names: readonly string[]): string {
  return `${SIDE}, outcome=~"${names.join('|')}"`;
}

const { client, gateway } = OUTCOMES_BY_FAULT;
const upstream = [...OUTCOMES_BY_FAULT.upstream, ...OUTCOMES_BY_FAULT.network];

/** A relayed 429 or 5xx is Anthropic's answer to the load; any other relayed 4xx is its answer to what the client asked for. */
const ANTHROPIC_STATUS = 'status=~"429|5.."';
const CLIENT_STATUS = 'status=~"4..", status!="429"';

/** The rate of outcomes together with that of relayed errors of some statuses, which may not have happened yet. */
function failures(names: readonly string[], status: string): string {
  const relayed = rate('penstock_requests_total', { matchers: `${SIDE}, outcome="upstream_error", ${status}` });
  return `(${rate(OUTCOMES, { matchers: outcomes(names) })} + (${relayed} or vector(0)))`;
}

const whoseProblem: readonly PanelSpec[] = [
  {
    kind: 'stat', title: 'Anthropic', unit: 'percentunit', width: 4, noValue: 'no traffic', thresholds: { warning: 0.01, critical: 0.05 },
    description: 'Part of the requests that the upstream failed: its own 429 and 5xx, error events, resets, truncated bodies, timeouts. Red: look at the upstream errors below and at the status page of the API.',
    queries: [{ expression: share(failures(upstream.filter((name) => name !== 'upstream_error'), ANTHROPIC_STATUS), ALL_REQUESTS), legend: 'upstream failures' }],
  },
  {
    kind: 'stat', title: 'The gateway', unit: 'percentunit', width: 4, noValue: 'no traffic', thresholds: { warning: 0.001, critical: 0.01 },
    description: 'Part of the requests that the gateway itself refused or failed: its key was refused, overloaded, draining, internal. Red: look at the key, at the pool, then at the process.',
    queries: [{ expression: share(rate(OUTCOMES, { matchers: outcomes(gateway) }), ALL_REQUESTS), legend: 'gateway failures' }],
  },
  {
    kind: 'stat', title: 'Its pool', unit: 'percentunit', width: 4, thresholds: { warning: 0.8, critical: 0.95 },
    description: 'How full the fullest upstream pool is: connections in use or being made, by the limit. Red: requests wait for a connection, then are refused. See the dashboard of the pool.',
    queries: [{
      expression: `max(sum by (job, instance, upstream) (${select('penstock_upstream_pool_connections', 'state=~"active|connecting"')}) / sum by (job, instance, upstream) (${select('penstock_upstream_pool_max_connections')}))`,
      legend: 'saturation',
    }],
  },
  {
    kind: 'stat', title: 'A client', unit: 'percentunit', width: 4, noValue: 'no traffic', thresholds: { warning: 0.05, critical: 0.2 },
    description: 'Part of the requests that ended because of the client: it asked for something that the gateway or the API refuses (4xx), left, or stopped reading. Red: see which client in the dashboard of clients.',
    queries: [{ expression: share(failures(client, CLIENT_STATUS), ALL_REQUESTS), legend: 'client failures' }],
  },
  {
    kind: 'stat', title: 'Requests', unit: 'reqps', width: 4, description: 'Requests that ended, per second.',
    queries: [{ expression: ALL_REQUESTS, legend: 'requests' }],
  },
  {
    kind: 'stat', title: 'Firing alerts', unit: 'none', width: 4, thresholds: { warning: 1, critical: 1 },
    description: 'How many alerts of the gateway fire now; each has a section in the runbook.',
    queries: [{ expression: 'count(ALERTS{alertname=~"Penstock.*", alertstate="firing"}) or vector(0)', legend: 'firing' }],
  },
];

const traffic: readonly PanelSpec[] = [
  {
    kind: 'graph', title: 'Requests by route', unit: 'reqps', stacked: true, description: 'Requests that ended, per second. Routes are templates; anything unknown is other.',
    queries: [{ expression: rate('penstock_requests_total', { by: 'route', matchers: SIDE }), legend: '{{route}}' }],
  },
  {
    kind: 'graph', title: 'Requests by status', unit: 'reqps', stacked: true,
    description: 'The status the client saw. 499 means it left before one was sent, 529 that Anthropic is overloaded.',
    queries: [{ expression: rate('penstock_requests_total', { by: 'status', matchers: SIDE }), legend: '{{status}}' }],
  },
  {
    kind: 'graph', title: 'In flight', unit: 'none', description: 'Requests under way, and those of them whose response is an open event stream. A stream counts until its body ends.',
    queries: [
      { expression: `sum by (side) (${select('penstock_requests_in_flight', SIDE)})`, legend: '{{side}} requests' },
      { expression: `sum by (side) (${select('penstock_streams_open', SIDE)})`, legend: '{{side}} streams' },
    ],
  },
  {
    kind: 'graph', title: 'Open requests by client', unit: 'none', stacked: true, width: 12,
    description: 'Requests under way, by client: who keeps the gateway busy now. unauthenticated: the key has not been read yet.',
    queries: [{ expression: `sum by (client) (${select('penstock_requests_in_flight', SIDE)}) > 0`, legend: '{{client}}' }],
  },
  {
    kind: 'graph', title: 'Oldest open request', unit: 's', width: 12,
    description: 'Age of the request that has been open for longest. A line that climbs for minutes is a stream that holds its connection; the live page of the gateway names it.',
    queries: [{ expression: `max by (side) (${select('penstock_oldest_request_seconds', SIDE)})`, legend: '{{side}}' }],
  },
];

function hopPanel(hop: string, names: readonly string[], description: string): PanelSpec {
  return {
    kind: 'graph', title: `Failures at the ${hop}`, unit: 'reqps', stacked: true, width: 6, description,
    queries: [{ expression: rate(OUTCOMES, { by: 'outcome', matchers: outcomes(names) }), legend: '{{outcome}}' }],
  };
}

const errors: readonly PanelSpec[] = [
  hopPanel('client', client, 'client_error: a 4xx of the gateway\'s own. client_gone: it left. client_stalled: it stopped reading for so long that the response was given up.'),
  hopPanel('gateway', gateway, 'upstream_credential_refused: the API refuses the key of the gateway. overloaded: no slot in time, queue full or byte budget spent. draining: refused while shutting down. internal: a defect, always worth a report.'),
  hopPanel('upstream', upstream, 'upstream_error: a 4xx or 5xx that was relayed untouched. stream_error_event: an error event in a 200. upstream_truncated: a body that broke after its head; the client saw it break.'),
  {
    kind: 'graph', title: 'Relayed errors by status', unit: 'reqps', stacked: true, width: 6, noValue: 'none',
    description: 'What upstream_error is made of. 429 and 5xx are the API under load; other 4xx are what clients ask for.',
    queries: [{ expression: rate('penstock_requests_total', { by: 'status', matchers: `${SIDE}, outcome="upstream_error"` }), legend: '{{status}}' }],
  },
];

const latency: readonly PanelSpec[] = [
  {
    kind: 'graph', title: 'Time to first byte, streams', unit: 's', description: 'From the request head to the first byte of the upstream\'s response head, for event streams. Almost all of it is the model.',
    queries: quantiles('penstock_time_to_first_byte_seconds', `${SIDE}, stream="true"`), width: 6,
  },
  {
    kind: 'graph', title: 'Duration, streams', unit: 's', description: 'From the request head to the end of the body, for event streams.',
    queries: quantiles('penstock_request_seconds', `${SIDE}, stream="true"`), width: 6,
  },
  {
    kind: 'graph', title: 'Duration, other requests', unit: 's', description: 'From the request head to the end of the body, for everything that is no event stream.',
    queries: quantiles('penstock_request_seconds', `${SIDE}, stream="false"`), width: 6,
  },
  {
    kind: 'graph', title: 'Overhead of the gateway', unit: 's', width: 6, thresholds: { warning: 0.01, critical: 0.1 },
    description: 'The part of the time to first byte that was the gateway\'s own, on the native side; the front door does not measure it. Above 10 ms: look at the event loop in the dashboard of the process.',
    queries: quantiles('penstock_overhead_seconds', SIDE),
  },
];

const streams: readonly PanelSpec[] = [
  {
    kind: 'graph', title: 'Largest silence of a stream', unit: 's', description: 'The longest gap between two chunks, one value a stream. At timeouts.idle (120 s) the gateway gives the stream up.',
    queries: quantiles('penstock_stream_gap_seconds', SIDE),
  },
  {
    kind: 'graph', title: 'Streams that ended badly', unit: 'reqps',
    description: 'truncated: broken after the head. error event: the upstream said so in the stream. without stop: framed well, but its stop event never came.',
    queries: [
      { expression: rate(OUTCOMES, { matchers: `${SIDE}, outcome="upstream_truncated"` }), legend: 'truncated' },
      { expression: rate(OUTCOMES, { matchers: `${SIDE}, outcome="stream_error_event"` }), legend: 'error event' },
      { expression: rate('penstock_streams_without_stop_total', { matchers: SIDE }), legend: 'without stop' },
    ],
  },
  {
    kind: 'graph', title: 'Bytes relayed', unit: 'Bps', description: 'Body bytes by direction: request is client to upstream, response is upstream to client.',
    queries: [{ expression: rate('penstock_relay_bytes_total', { by: 'direction', matchers: SIDE }), legend: '{{direction}}' }],
  },
  {
    kind: 'graph', title: 'Header fields held back', unit: 'cps', width: 12,
    description: 'Header fields that did not cross, by the rule that held them back. Nothing is dropped silently; a new reason or a jump means that a client or the API changed.',
    queries: [{ expression: rate('penstock_headers_dropped_total', { by: 'direction, reason' }), legend: '{{direction}} {{reason}}' }],
  },
];

/** Traffic, failures by hop, latency and streams: whose problem is it? */
export const overview: DashboardSpec = {
  uid: 'penstock-overview', title: 'Penstock / Overview',
  description: 'Whose problem is it: the gateway, its pool, a client, or Anthropic?',
  variables: [{ name: 'side', label: 'Side', query: 'label_values(penstock_requests_in_flight{job=~"$job"}, side)' }],
  rows: [
    { title: 'Whose problem is it?', panels: whoseProblem },
    { title: 'Traffic', panels: traffic },
    { title: 'Failures by hop', panels: errors },
    { title: 'Latency', panels: latency },
    { title: 'Streams and headers', panels: streams },
  ],
};
