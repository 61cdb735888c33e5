const LF = 0x0a;
const CR = 0x0d;

/** Two line ends need no more: CR LF, CR LF. */
const LONGEST_BLANK_LINE = 4;

/** Whether the bytes of an event stream so far end an event, so that another may be written after them. */
export interface EventBoundary {
  see(chunk: Uint8Array): void;
  atBoundary(): boolean;
}

/** Watches an event stream whose lines end in CR LF, LF or CR (WHATWG HTML section 9.2.5), cut into chunks anywhere. It looks at four bytes of a chunk. */
export function createEventBoundary(): EventBoundary {
  /** How many lines ended since the last other byte; a stream that has not begun is at a boundary. */
  let lineEnds = 2;
  let isAfterReturn = false;
  return {
    see: (chunk) => {
      for (let index = Math.max(0, chunk.length - LONGEST_BLANK_LINE); index < chunk.length; index += 1) {
        const byte = chunk[index];
        if (byte === LF) lineEnds += isAfterReturn ? 0 : 1;
        else if (byte === CR) lineEnds += 1;
        else lineEnds = 0;
        isAfterReturn = byte === CR;
      }
    },
    atBoundary: () => lineEnds >= 2,
  };
}
