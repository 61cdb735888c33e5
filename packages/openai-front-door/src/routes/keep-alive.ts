/** A running keep-alive. */
export interface KeepAlive {
  stop(): void;
}

/** Calls `beat` every `intervalMs`; 0 never does. The timer keeps no process alive. */
export function startKeepAlive(intervalMs: number, beat: () => void): KeepAlive {
  if (intervalMs === 0) return { stop: () => undefined };
  const timer = setInterval(beat, intervalMs);
  timer.unref();
  return { stop: () => { clearInterval(timer); } };
}
