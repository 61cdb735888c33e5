import { KeptBytes, textOf } from './kept-bytes.ts';

const LF = 0x0a;
const CR = 0x0d;
const NEVER = Number.POSITIVE_INFINITY;

/** What reads the data of an event stream's events. */
export interface EventDataReader {
  /** Hands over the data of every event that the chunk ended. */
  write(chunk: Uint8Array): void;
}

/** The data of an event: its `data` lines, joined (WHATWG HTML section 9.2.6). */
function dataOf(event: string): string | undefined {
  const lines: string[] = [];
  for (const line of event.split(/\r\n|\n|\r/)) {
    const text = line.startsWith('\uFEFF') ? line.slice(1) : line;
    if (text === 'data') lines.push('');
    else if (text.startsWith('data:')) lines.push(text.slice(text[5] === ' ' ? 6 : 5));
  }
  return lines.length === 0 ? undefined : lines.join('\n');
}

/**
 * Reads an event stream that is cut into chunks anywhere: each byte is searched twice, for LF and for CR, and of an open event a copy is
 * kept. An event over `maxEventBytes` is passed over. It never throws for what a stream holds, but passes on what `onData` throws.
 */
export function createEventDataReader({ maxEventBytes, onData }: { readonly maxEventBytes: number; readonly onData: (data: string) => void }): EventDataReader {
  const kept = new KeptBytes(maxEventBytes);
  let isAfterReturn = false;
  /** Whether the line that is open has a byte. */
  let hasLine = false;

  function emit(last: Uint8Array): void {
    if (!kept.isEmpty) kept.append(last);
    const fits = last.length <= maxEventBytes ? textOf : (): undefined => undefined;
    const text = kept.isEmpty ? fits(last) : kept.take();
    const data = text === undefined ? undefined : dataOf(text);
    if (data !== undefined) onData(data);
  }

  return {
    write: (chunk) => {
      let offset = isAfterReturn && chunk[0] === LF ? 1 : 0;
      if (chunk.length > 0) isAfterReturn = false;
      let eventStart = offset;
      const after = (byte: number): number => {
        const found = chunk.indexOf(byte, offset);
        return found === -1 ? NEVER : found;
      };
      let nextFeed = after(LF);
      let nextReturn = after(CR);
      while (offset < chunk.length) {
        // Searched only when passed: a stream without one of the two is not searched anew for each line.
        if (nextFeed < offset) nextFeed = chunk[offset] === LF ? offset : after(LF);
        if (nextReturn < offset) nextReturn = after(CR);
        const end = Math.min(nextFeed, nextReturn);
        if (end === NEVER) break;
        const isBlank = end === offset && !hasLine;
        hasLine = false;
        offset = end + 1;
        if (end === nextReturn) {
          if (offset === chunk.length) isAfterReturn = true;
          else if (chunk[offset] === LF) offset += 1;
        }
        if (!isBlank) continue;
        // Blank lines alone are passed over: 256,000 of them may come in one turn of the event loop.
        if (end > eventStart || !kept.isEmpty) emit(chunk.subarray(eventStart, end));
        eventStart = offset;
      }
      if (offset < chunk.length) hasLine = true;
      kept.append(chunk.subarray(eventStart));
    },
  };
}
