import type { DashboardSpec, PanelSpec } from '../dashboard-spec.ts';
import { quantile, quantiles, rate, select, share } from '../promql.ts';

const SIDE = 'side=~"$side"';
const OUTCOMES = 'penstock_request_outcomes_total';
const ALL_REQUESTS = rate(OUTCOMES, { matchers: SIDE });

/** The parties of the label `fault`, each with what its failures are and where to look. */
const FAULT_PANELS = {
  client: ['Failures at the client', 'client_error: a 4xx of the gateway\'s own. upstream_error: the API refused what the client asked for. client_gone: it left. client_stalled: it stopped reading for so long that the response was given up.'],
  gateway: ['Failures at the gateway', 'upstream_credential_refused: the API refuses the gateway\'s key. overloaded: no slot in time, queue full or byte budget spent. draining: refused while shutting down. internal: a defect, always worth a report.'],
  network: ['Failures on the network', 'upstream_unreachable: name resolution, TCP or TLS failed. upstream_reset: closed before the answer began. upstream_truncated: a body that broke after its head; the client saw it break.'],
  upstream: ['Failures at the upstream', 'upstream_error: a 429 or 5xx of the API, relayed untouched. stream_error_event: an error event in a 200. upstream_timeout: no answer in time.'],
} as const;

/** The part of the requests whose failure is the fault of one party. */
function faultShare(fault: keyof typeof FAULT_PANELS): string {
  return share(rate(OUTCOMES, { matchers: `${SIDE}, fault="${fault}"` }), ALL_REQUESTS);
}

const whoseProblem: readonly PanelSpec[] = [
  {
    kind: 'stat', title: 'Anthropic', unit: 'percentunit', width: 4, noValue: 'no traffic', thresholds: { warning: 0.01, critical: 0.05 },
    description: 'Part of the requests that the API failed: its own 429 and 5xx, error events, timeouts. Red: look at the upstream errors below and at the status page of the API.',
    queries: [{ expression: faultShare('upstream'), legend: 'upstream failures' }],
  },
  {
    kind: 'stat', title: 'The network', unit: 'percentunit', width: 3, noValue: 'no traffic', thresholds: { warning: 0.001, critical: 0.01 },
    description: 'Part of the requests that were lost between the gateway and the API: no connection, resets, truncated bodies. Red: look at the failures to connect in the dashboard of the pool.',
    queries: [{ expression: faultShare('network'), legend: 'network failures' }],
  },
  {
    kind: 'stat', title: 'The gateway', unit: 'percentunit', width: 4, noValue: 'no traffic', thresholds: { warning: 0.001, critical: 0.01 },
    description: 'Part of the requests that the gateway itself refused or failed: its key was refused, overloaded, draining, internal. Red: look at the key, at the pool, then at the process.',
    queries: [{ expression: faultShare('gateway'), legend: 'gateway failures' }],
  },
  {
    kind: 'stat', title: 'Its pool', unit: 'percentunit', width: 3, thresholds: { warning: 0.8, critical: 0.95 },
    description: 'How full the fullest upstream pool is: connections in use or being made, by the limit. Red: requests wait for a connection, then are refused. See the dashboard of the pool.',
    queries: [{
      expression: `max(sum by (job, instance, upstream) (${select('penstock_upstream_pool_connections', 'state=~"active|connecting"')}) / sum by (job, instance, upstream) (${select('penstock_upstream_pool_max_connections')}))`,
      legend: 'saturation',
    }],
  },
  {
    kind: 'stat', title: 'A client', unit: 'percentunit', width: 4, noValue: 'no traffic', thresholds: { warning: 0.05, critical: 0.2 },
    description: 'Part of the requests that ended because of the client: it asked for something that the gateway or the API refuses (4xx), left, or stopped reading. Red: see which client in the dashboard of clients.',
    queries: [{ expression: faultShare('client'), legend: 'client failures' }],
  },
  {
    kind: 'stat', title: 'Requests', unit: 'reqps', width: 3, description: 'Requests that ended, per second.',
    queries: [{ expression: ALL_REQUESTS, legend: 'requests' }],
  },
  {
    kind: 'stat', title: 'Firing alerts', unit: 'none', width: 3, thresholds: { warning: 1, critical: 1 },
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

const errors: readonly PanelSpec[] = [
  ...Object.entries(FAULT_PANELS).map(([fault, [title, description]]): PanelSpec => ({
    kind: 'graph', title, unit: 'reqps', stacked: true, width: 6, description,
    queries: [{ expression: rate(OUTCOMES, { by: 'outcome', matchers: `${SIDE}, fault="${fault}"` }), legend: '{{outcome}}' }],
  })),
  {
    kind: 'graph', title: 'Failures by fault', unit: 'reqps', stacked: true, description: 'Whose fault failed requests are: the gateway is its operator (capacity, key, defects), the network the way to the API.',
    queries: [{ expression: rate(OUTCOMES, { by: 'fault', matchers: `${SIDE}, fault!="none"` }), legend: '{{fault}}' }],
  },
  {
    kind: 'graph', title: 'API 401 and 403', unit: 'reqps', stacked: true, noValue: 'none',
    description: 'What the API refuses for its credential or permission. upstream_credential_refused is the gateway\'s own key: no request works until it is replaced. upstream_error is a permission that a request needs, or the key of a client with credentials: forward.',
    queries: [{ expression: rate('penstock_requests_total', { by: 'status, outcome', matchers: `${SIDE}, outcome=~"upstream_credential_refused|upstream_error", status=~"401|403"` }), legend: '{{status}} {{outcome}}' }],
  },
  {
    kind: 'graph', title: 'Relayed errors by status', unit: 'reqps', stacked: true, noValue: 'none',
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
  {
    kind: 'graph', title: 'Time to first byte by model', unit: 's', width: 12,
    description: 'The 95th percentile by the model that the response named. Compare a model with itself an hour ago: a slow model is the API\'s, all of them at once are the network or the gateway.',
    queries: [{ expression: quantile(0.95, 'penstock_model_time_to_first_byte_seconds', { by: 'model', matchers: SIDE }), legend: '{{model}}' }],
  },
  {
    kind: 'graph', title: 'Key refused since', unit: 's', width: 12, noValue: 'never',
    description: 'Seconds since the last success of an upstream, while it refuses the gateway\'s key. Anything here is an outage that only a new key ends.',
    queries: [{ expression: `max by (upstream) ((time() - ${select('penstock_last_success_timestamp_seconds')}) and ${select('penstock_credential_refused_timestamp_seconds')} > ${select('penstock_last_success_timestamp_seconds')})`, legend: '{{upstream}}' }],
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
  description: 'Whose problem is it: the gateway, its pool, the network, a client, or Anthropic?',
  variables: [{ name: 'side', label: 'Side', query: 'label_values(penstock_requests_in_flight{job=~"$job"}, side)' }],
  rows: [
    { title: 'Whose problem is it?', panels: whoseProblem },
    { title: 'Traffic', panels: traffic },
    { title: 'Failures by hop', panels: errors },
    { title: 'Latency', panels: latency },
    { title: 'Streams and headers', panels: streams },
  ],
};
