import type { Dispatcher } from 'undici';
import type { RequestPhase } from '../upstream-error.ts';

/** At most so many bytes of one response are read in a row, then other connections have their turn. A chunk counts as its bytes and `CHUNK_BYTES`. */
export const TURN_BYTES: number = 256 * 1024;
/** With more than this the response yields: Node reads up to 64 KB at once, reads may be short, and none may cross `TURN_BYTES`. */
export const YIELD_BYTES: number = TURN_BYTES - 64 * 1024;
/** What a chunk costs beside its bytes, as bytes: in chunks of one byte the chunks are the work. */
export const CHUNK_BYTES = 64;

/** A response of which undici reads up to 2 MB in one turn of the event loop, were it not paused. */
export interface TurnTaker {
  readonly phase: RequestPhase;
  /** Whether its handler has paused it, for as long as it likes. */
  readonly paused: boolean;
  /** Whether it is paused until the next turn. */
  isYielding: boolean;
  /** What was read since it yielded last. */
  turnBytes: number;
}

/** Counts a chunk; pauses the response until the next turn when it had its share of this one. */
export function countTurn(taker: TurnTaker, upstream: Dispatcher.DispatchController, chunkBytes: number): void {
  taker.turnBytes += chunkBytes + CHUNK_BYTES;
  if (taker.turnBytes <= YIELD_BYTES) return;
  taker.turnBytes = 0;
  if (taker.isYielding || taker.phase !== 'receiving') return;
  taker.isYielding = true;
  upstream.pause();
  setImmediate(endYield, taker, upstream);
}

function endYield(taker: TurnTaker, upstream: Dispatcher.DispatchController): void {
  taker.isYielding = false;
  if (!taker.paused && taker.phase === 'receiving') upstream.resume();
}
