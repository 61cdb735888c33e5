// Loaded before a gateway to compare with: everything that counts, observes or watches does nothing, so what remains is the gateway without its metrics.
import { createRequire, registerHooks } from 'node:module';

interface PromClient {
  readonly Counter: { readonly prototype: object };
  readonly Histogram: { readonly prototype: object };
}

// The gateway's own copy: the program that is started resolves it.
const { Counter, Histogram } = createRequire(process.argv[1] ?? import.meta.url)('prom-client') as PromClient;
const child = { inc: () => undefined, observe: () => undefined, startTimer: () => () => 0 };

Object.assign(Counter.prototype, { labels: () => child, inc: () => undefined, incWithoutExemplar: () => undefined });
Object.assign(Histogram.prototype, { labels: () => child, observe: () => undefined, observeWithoutExemplar: () => undefined });

/** What stands in for a module: it loads the real one by `real`, exports what that exports, and has some exports of its own instead. */
interface Silenced {
  readonly path: RegExp;
  readonly source: (real: string) => string;
}

const SILENCED: readonly Silenced[] = [
  // The gateway's own metrics: each method is replaced, and Node itself is not watched. What only reads stays as it is.
  {
    path: /\/observe\/metrics\/create-gateway-metrics\.[jt]s$/,
    source: (real) => `
      export * from '${real}';
      import { createGatewayMetrics as create } from '${real}';
      export function createGatewayMetrics(options) {
        const metrics = create({ ...options, processMetrics: false });
        const silent = Object.entries(metrics).map(([name, member]) => [name, typeof member === 'function' && name !== 'clientNames' ? () => undefined : member]);
        return Object.fromEntries(silent);
      }`,
  },
  // The counters and histograms of the pools, and of every other part: their series exist and stay at 0.
  {
    path: /\/fast-metrics\/(?:src|dist)\/index\.[jt]s$/,
    source: (real) => `
      export * from '${real}';
      import { createFastCounter as createCounter, createFastHistogram as createHistogram } from '${real}';
      const still = { get value() { return 0; }, set value(value) {}, observe() {} };
      const silence = (metric) => ({ series(labels) { metric.series(labels); return still; } });
      export function add() {}
      export function createFastCounter(registry, options) { return silence(createCounter(registry, options)); }
      export function createFastHistogram(registry, options) { return silence(createHistogram(registry, options)); }`,
  },
];

registerHooks({
  load(url, context, nextLoad) {
    const silenced = SILENCED.find(({ path }) => path.test(url));
    return silenced === undefined ? nextLoad(url, context) : { format: 'module', source: silenced.source(`${url}?real`), shortCircuit: true };
  },
});
