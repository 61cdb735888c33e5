import { setTimeout as sleep } from 'node:timers/promises';

/** Where the simulator takes time from; a test supplies its own to make dates and pacing exact. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Resolves after `delayMs`, or at once when `signal` aborts. Never rejects. */
  wait(delayMs: number, signal: AbortSignal): Promise<void>;
}

/** The machine's own clock. */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  wait: async (delayMs: number, signal: AbortSignal): Promise<void> => {
    await sleep(delayMs, undefined, { signal }).catch(() => undefined);
  },
});

/** An RFC 3339 instant as the API writes it in bodies: microseconds and an explicit zone. */
export function bodyTimestamp(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('Z', '000+00:00');
}

/** An RFC 3339 instant as the API writes it in headers: whole seconds. */
export function headerTimestamp(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d+Z$/, 'Z');
}
