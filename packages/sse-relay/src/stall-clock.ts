/** A clock that measures one span at a time and costs no timer while it is not running. */
export interface StallClock {
  /** Begins a span, unless one is running. */
  start(): void;
  /** Ends the span. The timer is left to run out: starting and stopping a thousand times a second arms it once. */
  stop(): void;
  /** Ends the span and the timer. */
  dispose(): void;
}

/** Creates a stopped clock that calls `onStall` when one span lasts `limitMs`. */
export function createStallClock(limitMs: number, onStall: () => void): StallClock {
  let startedAt: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const check = (): void => {
    timer = undefined;
    if (startedAt === undefined) return;
    const restMs = limitMs - (performance.now() - startedAt);
    if (restMs > 0) timer = setTimeout(check, Math.ceil(restMs));
    else onStall();
  };
  return {
    start: () => {
      startedAt ??= performance.now();
      timer ??= setTimeout(check, limitMs);
    },
    stop: () => { startedAt = undefined; },
    dispose: () => {
      startedAt = undefined;
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
