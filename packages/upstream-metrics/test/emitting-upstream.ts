import { EventEmitter } from 'node:events';
import type { ObservableUpstream, UpstreamEvents, UpstreamStats } from '../src/index.ts';

/** The smallest thing that can be observed: numbers that a test sets and events that it emits. */
export class EmittingUpstream implements ObservableUpstream {
  numbers: UpstreamStats = {
    origin: 'https://api.example.com', maxConnections: 20, maxKeepAliveConnections: 10, maxWaiting: 100, active: 0, idle: 0, connecting: 0, waiting: 0,
  };
  readonly #emitter = new EventEmitter();

  stats(): UpstreamStats {
    return this.numbers;
  }

  on<Name extends keyof UpstreamEvents>(name: Name, listener: (event: UpstreamEvents[Name]) => void): this {
    this.#emitter.on(name, listener);
    return this;
  }

  off<Name extends keyof UpstreamEvents>(name: Name, listener: (event: UpstreamEvents[Name]) => void): this {
    this.#emitter.off(name, listener);
    return this;
  }

  emit<Name extends keyof UpstreamEvents>(name: Name, event: UpstreamEvents[Name]): void {
    this.#emitter.emit(name, event);
  }

  listenerCount(): number {
    return this.#emitter.eventNames().reduce((count, name) => count + this.#emitter.listenerCount(name), 0);
  }
}

/** Reads one sample of an exposition text; labels may be given in any order and in part. */
export function sample(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  for (const line of text.split('\n')) {
    if (line !== name && !line.startsWith(`${name}{`) && !line.startsWith(`${name} `)) continue;
    if (Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`))) return Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return undefined;
}

/** Counts the samples of an exposition text. */
export function countSamples(text: string): number {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
}
