import type { BodyObserver } from '../relay-options.ts';
import { NO_USAGE, type UsageResult } from './usage-result.ts';

/** Settings of a usage observer. */
export interface UsageObserverOptions {
  /** Told once, when the body ended and all of it that could be read was read. */
  readonly onUsage?: (result: UsageResult) => void;
}

/** An observer that reads the usage of one response of the Anthropic API. */
export interface UsageObserver extends BodyObserver {
  /** What is known so far. */
  result(): UsageResult;
}

/** Creates the observer of one response. */
export function createUsageObserver(options: UsageObserverOptions = {}): UsageObserver {
  return { onChunk: () => undefined, onEnd: () => options.onUsage?.(nothing()), result: nothing };
}

function nothing(): UsageResult {
  return { usage: NO_USAGE, source: 'missing', sawStop: false, sawErrorEvent: false };
}
