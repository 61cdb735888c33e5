import type { DashboardSpec, PanelSpec } from '../dashboard-spec.ts';
import { select } from '../promql.ts';

function byInstance(metric: string, legend = '{{instance}}'): { readonly expression: string; readonly legend: string } {
  return { expression: `max by (instance) (${select(metric)})`, legend };
}

const state: readonly PanelSpec[] = [
  {
    kind: 'stat', title: 'Gateways', unit: 'none', width: 4, description: 'How many gateways are scraped. One with several workers is one: its page is that of all of them.',
    queries: [{ expression: `count(count by (job, instance) (${select('penstock_build_info')}))`, legend: 'gateways' }],
  },
  {
    kind: 'stat', title: 'Version', unit: 'none', width: 4, showsName: true, description: 'The versions of the gateway and of Node that run now.',
    queries: [{ expression: `count by (version, node_version) (${select('penstock_build_info')})`, legend: '{{version}} on {{node_version}}' }],
  },
  {
    kind: 'stat', title: 'Up for', unit: 's', width: 4, description: 'The age of the youngest process, workers included. A small number that stays small is a crash loop.',
    queries: [{ expression: `min(time() - ${select('process_start_time_seconds')})`, legend: 'youngest' }],
  },
  {
    kind: 'stat', title: 'Draining', unit: 'none', width: 4, thresholds: { warning: 1, critical: 1 }, words: { '0': 'no' },
    description: 'How many gateways are shutting down or replace a worker: open responses are finished, and a gateway that shuts down takes no new requests.',
    queries: [{ expression: `sum(${select('penstock_draining')})`, legend: 'draining' }],
  },
  {
    kind: 'stat', title: 'Configuration', unit: 'none', width: 4, thresholds: { warning: 1, critical: 0.5 }, words: { '0': 'rejected', '1': 'in force' },
    description: 'Whether the last configuration that was loaded was accepted everywhere. When it was rejected, the one before stays in force.',
    queries: [{ expression: `min(${select('penstock_config_last_reload_successful')})`, legend: 'configuration' }],
  },
  {
    kind: 'stat', title: 'Configuration age', unit: 's', width: 4, description: 'Time since the configuration was last loaded, of the gateway that did it longest ago. Right after a reload everywhere it is small; if not, some gateway missed it.',
    queries: [{ expression: `max(time() - ${select('penstock_config_last_reload_success_timestamp_seconds')})`, legend: 'age' }],
  },
];

const eventLoop: readonly PanelSpec[] = [
  {
    kind: 'graph', title: 'Event loop lag', unit: 's', thresholds: { warning: 0.1, critical: 0.5 },
    description: 'How late the event loop runs its timers, 99th percentile since the last scrape, of the worst worker. All responses wait for it. An idle loop shows 20 ms, the sampling interval. With several scrapers each sees only a part.',
    queries: [byInstance('nodejs_eventloop_lag_p99_seconds', '{{instance}} p99'), byInstance('nodejs_eventloop_lag_p50_seconds', '{{instance}} p50')],
  },
  {
    kind: 'graph', title: 'CPU', unit: 'percentunit', description: 'Cores in use, all workers together; 100 % is one core. One worker cannot use much more than one: near 100 % for each of them, add workers.',
    queries: [{ expression: `sum by (instance) (rate(${select('process_cpu_seconds_total')}[$__rate_interval]))`, legend: '{{instance}}' }],
  },
  {
    kind: 'graph', title: 'Garbage collection', unit: 'percentunit', description: 'Part of the time spent collecting garbage, by kind; with several workers the parts add up. Above 10 % the heap is too small for the load.',
    queries: [{ expression: `sum by (instance, kind) (rate(${select('nodejs_gc_duration_seconds_sum')}[$__rate_interval]))`, legend: '{{instance}} {{kind}}' }],
  },
];

const resources: readonly PanelSpec[] = [
  {
    kind: 'graph', title: 'Memory', unit: 'bytes', description: 'Resident memory and the JavaScript heap, all workers together. It is flat under overload; a steady climb is a leak.',
    queries: [
      byInstance('process_resident_memory_bytes', '{{instance}} resident'), byInstance('nodejs_heap_size_used_bytes', '{{instance}} heap'),
      byInstance('nodejs_external_memory_bytes', '{{instance}} external'),
    ],
  },
  {
    kind: 'graph', title: 'File descriptors', unit: 'none', description: 'Open ones and how many may be, all workers together. Each connection on either side is one.',
    queries: [byInstance('process_open_fds', '{{instance}} open'), byInstance('process_max_fds', '{{instance}} limit')],
  },
  {
    kind: 'graph', title: 'Connections refused', unit: 'cps',
    description: 'While server.max_connections are open: idle connections that were closed for new ones, and new ones that were refused because each open one had a request. The client sees a closed connection.',
    queries: [
      { expression: `sum by (instance) (rate(${select('penstock_inbound_connections_refused_total')}[$__rate_interval]))`, legend: '{{instance}} refused' },
      { expression: `sum by (instance) (rate(${select('penstock_inbound_connections_evicted_total')}[$__rate_interval]))`, legend: '{{instance}} idle, closed' },
    ],
  },
  {
    kind: 'graph', title: 'Handles', width: 12, unit: 'none', description: 'What keeps the processes alive, by type. A type that only grows is a leak.',
    queries: [{ expression: `sum by (type) (${select('nodejs_active_resources')})`, legend: '{{type}}' }],
  },
  {
    kind: 'graph', title: 'Workers', unit: 'none', width: 12, noValue: 'one process, no workers',
    description: 'Worker processes: up ones answer, silent ones did not answer the last scrape, starting ones take no requests yet; and crashes. Only with server.workers above 1.',
    queries: [
      { expression: `sum by (instance, state) (${select('penstock_workers')})`, legend: '{{instance}} {{state}}' },
      { expression: `sum by (instance) (increase(${select('penstock_worker_crashes_total')}[$__rate_interval]))`, legend: '{{instance}} crashes' },
    ],
  },
  {
    kind: 'graph', title: 'Observers that failed', unit: 'cps', width: 12,
    description: 'Exceptions in metering, logging or tracing. The bytes went on, but something was not counted: worth a report.',
    queries: [{ expression: `sum by (instance) (rate(${select('penstock_observer_errors_total')}[$__rate_interval]))`, legend: '{{instance}}' }],
  },
  {
    kind: 'graph', title: 'Configuration reloads', unit: 'cps', width: 12, description: 'Attempts to load the configuration anew, by result.',
    queries: [{ expression: `sum by (result) (rate(${select('penstock_config_reloads_total')}[$__rate_interval]))`, legend: '{{result}}' }],
  },
];

/** The process itself: event loop, memory, descriptors, configuration, drain. */
export const processDashboard: DashboardSpec = {
  uid: 'penstock-process', title: 'Penstock / Process',
  description: 'The processes themselves: event loop, CPU, memory, descriptors, configuration and shutdown.',
  variables: [],
  rows: [
    { title: 'State', panels: state },
    { title: 'Event loop', panels: eventLoop },
    { title: 'Resources', panels: resources },
  ],
};
