import { createParser } from 'eventsource-parser';
import { ChunkList } from '../chunk-list.ts';
import { FrontDoorError } from '../errors/front-door-error.ts';

/** Turns the chunks of an event stream into the data of its events. */
export interface EventDecoder {
  /** Hands over every event that the chunk completed, in order. Throws `upstream_invalid` for bytes that are no event stream. */
  write(chunk: Uint8Array): void;
  /** How many pieces are held of a line that is not complete. */
  pieces(): number;
}

const LF = 0x0a;
const CR = 0x0d;
/** So many bytes of a line are decoded together; fewer where an event may not be so long. */
const BLOCK_BYTES = 64 * 1024;

/**
 * Decodes `text/event-stream` split anywhere, inside a character as well. An event counts only once its blank line came;
 * what is buffered is bounded, and more than the bound ends the stream. A line that arrives in many chunks is gathered as bytes before it is
 * decoded: a string a chunk would take many times its size.
 */
export function createEventDecoder(options: { readonly maxEventChars: number; readonly onData: (data: string) => void }): EventDecoder {
  const blockBytes = Math.min(BLOCK_BYTES, options.maxEventChars);
  const line = new ChunkList();
  const text = new TextDecoder('utf-8', { fatal: true });
  const parser = createParser({
    maxBufferSize: options.maxEventChars,
    onEvent: (event) => { options.onData(event.data); },
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') throw new FrontDoorError('upstream_invalid', 'The upstream sent an event that is too long.');
    },
  });
  const decode = (bytes: Uint8Array): string => {
    try {
      return text.decode(bytes, { stream: true });
    } catch (error) {
      throw new FrontDoorError('upstream_invalid', 'The upstream sent text that is not UTF-8.', { cause: error });
    }
  };
  return {
    pieces: () => line.pieces,
    write: (chunk) => {
      const endsLine = chunk.includes(LF) || chunk.includes(CR);
      if (endsLine && line.byteLength === 0) {
        parser.feed(decode(chunk));
        return;
      }
      line.append(chunk);
      if (endsLine || line.byteLength >= blockBytes) parser.feed(decode(line.join()));
    },
  };
}
