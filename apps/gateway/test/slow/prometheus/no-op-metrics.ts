// Loaded before a gateway to compare with: everything that counts, observes or watches does nothing, so what remains is the gateway without its metrics.
import { registerHooks } from 'node:module';
import { Counter, Histogram } from 'prom-client';

const child = { inc: () => undefined, observe: () => undefined, startTimer: () => () => 0 };

Object.assign(Counter.prototype, { labels: () => child, inc: () => undefined, incWithoutExemplar: () => undefined });
Object.assign(Histogram.prototype, { labels: () => child, observe: () => undefined, observeWithoutExemplar: () => undefined });

const GATEWAY_METRICS = /\/src\/observe\/metrics\/create-gateway-metrics\.ts$/;

/** The gateway's own metrics count beside prom-client: each of their methods is replaced, and Node itself is not watched. */
const SILENT = `
export * from './create-gateway-metrics.ts?real';
import { createGatewayMetrics as create } from './create-gateway-metrics.ts?real';
export function createGatewayMetrics(options) {
  const metrics = create({ ...options, processMetrics: false });
  // What only reads stays as it is.
  const silent = Object.entries(metrics).map(([name, member]) => [name, typeof member === 'function' && name !== 'clientNames' ? () => undefined : member]);
  return Object.fromEntries(silent);
}`;

registerHooks({
  load: (url, context, nextLoad) => (GATEWAY_METRICS.test(url) ? { format: 'module', source: SILENT, shortCircuit: true } : nextLoad(url, context)),
});
