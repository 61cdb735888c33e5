// Loaded before a gateway to compare with: everything that records does nothing, so what remains is the gateway without its metrics.
import { Counter, Histogram } from 'prom-client';

const child = { inc: () => undefined, observe: () => undefined, startTimer: () => () => 0 };

Object.assign(Counter.prototype, { labels: () => child, inc: () => undefined, incWithoutExemplar: () => undefined });
Object.assign(Histogram.prototype, { labels: () => child, observe: () => undefined, observeWithoutExemplar: () => undefined });
