import { performance } from 'node:perf_hooks';

/** When comments are written into the silence of a stream. Milliseconds; 0 writes none for that reason. */
export interface SilenceOptions {
  /** After so long a silence, whatever the upstream does. */
  readonly keepAliveMs: number;
  /** After so long a silence in which the upstream sends events that hold nothing for the client: thinking that it did not ask for, input of a server tool. */
  readonly maxSilenceMs: number;
}

/** What one client hears of its stream. */
export interface SilenceWatch {
  /** Something was written to the client. */
  heard(): void;
  /** The upstream sent something that the client gets nothing of. */
  unheard(): void;
  /** The longest time so far in which the client got no byte. */
  largestGapMs(): number;
  stop(): void;
}

/** Begins to watch; `comment` writes one where it may stand and says whether it did. Its timers keep no process alive. */
export function watchSilence({ keepAliveMs, maxSilenceMs }: SilenceOptions, comment: () => boolean): SilenceWatch {
  let lastAt = performance.now();
  let largestMs = 0;
  /** Runs while the upstream sent something unheard since the last write. */
  let timer: NodeJS.Timeout | undefined;
  const heard = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const now = performance.now();
    largestMs = Math.max(largestMs, now - lastAt);
    lastAt = now;
  };
  const beat = (): void => {
    timer = undefined;
    if (comment()) heard();
  };
  const interval = keepAliveMs === 0 ? undefined : setInterval(beat, keepAliveMs).unref();
  return {
    heard,
    unheard: () => {
      if (maxSilenceMs === 0 || timer !== undefined) return;
      timer = setTimeout(beat, Math.max(0, lastAt + maxSilenceMs - performance.now())).unref();
    },
    largestGapMs: () => Math.max(largestMs, performance.now() - lastAt),
    stop: () => {
      clearTimeout(timer);
      clearInterval(interval);
    },
  };
}
