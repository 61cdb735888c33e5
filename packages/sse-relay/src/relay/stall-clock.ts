/** A clock that measures one span at a time, and costs a time stamp instead of a timer for each. */
export interface StallClock {
  /** Begins a span, unless one is running. */
  start(): void;
  /** Begins a span anew. */
  restart(now: number): void;
  /** Ends the span. The timer is left to run out: starting and stopping a thousand times a second arms it once. */
  stop(): void;
  /** Ends the span and the timer. */
  dispose(): void;
}

/** Creates a stopped clock that calls `onStall` when one span lasts `limitMs`; it stands still until it is started again. */
export function createStallClock(limitMs: number, onStall: () => void): StallClock {
  let startedAt: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const check = (): void => {
    timer = undefined;
    if (startedAt === undefined) return;
    const restMs = limitMs - (performance.now() - startedAt);
    if (restMs > 0) {
      timer = setTimeout(check, Math.ceil(restMs));
      return;
    }
    startedAt = undefined;
    onStall();
  };
  const restart = (now: number): void => {
    startedAt = now;
    timer ??= setTimeout(check, limitMs);
  };
  return {
    start: () => { if (startedAt === undefined) restart(performance.now()); },
    restart,
    stop: () => { startedAt = undefined; },
    dispose: () => {
      startedAt = undefined;
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
