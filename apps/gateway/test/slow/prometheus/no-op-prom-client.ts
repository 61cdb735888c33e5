// Loaded before a gateway to compare with: everything that records does nothing, so what remains is the gateway without its metrics.
import { registerHooks } from 'node:module';
import { Counter, Histogram } from 'prom-client';

const child = { inc: () => undefined, observe: () => undefined, startTimer: () => () => 0 };

Object.assign(Counter.prototype, { labels: () => child, inc: () => undefined, incWithoutExemplar: () => undefined });
Object.assign(Histogram.prototype, { labels: () => child, observe: () => undefined, observeWithoutExemplar: () => undefined });

// What the gateway records of a finished request it counts by itself.
const NOTHING = 'data:text/javascript,export const TOKEN_TYPES = {}; export const createRequestRecorder = () => () => undefined;';
registerHooks({
  resolve: (specifier, context, next) => (/\/create-request-recorder\.[jt]s$/.test(specifier) ? { url: NOTHING, shortCircuit: true } : next(specifier, context)),
});
