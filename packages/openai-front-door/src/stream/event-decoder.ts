import { createParser } from 'eventsource-parser';
import { FrontDoorError } from '../errors/front-door-error.ts';

/** Turns the chunks of an event stream into the data of its events. */
export interface EventDecoder {
  /** Hands over every event that the chunk completed, in order. Throws `upstream_invalid` for bytes that are no event stream. */
  write(chunk: Uint8Array): void;
}

/**
 * Decodes `text/event-stream` split anywhere, inside a character as well. An event counts only once its blank line came;
 * what is buffered is bounded, and more than the bound ends the stream.
 */
export function createEventDecoder(options: { readonly maxEventChars: number; readonly onData: (data: string) => void }): EventDecoder {
  const text = new TextDecoder('utf-8', { fatal: true });
  const parser = createParser({
    maxBufferSize: options.maxEventChars,
    onEvent: (event) => { options.onData(event.data); },
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') throw new FrontDoorError('upstream_invalid', 'The upstream sent an event that is too long.');
    },
  });
  return {
    write: (chunk) => {
      let decoded: string;
      try {
        decoded = text.decode(chunk, { stream: true });
      } catch (error) {
        throw new FrontDoorError('upstream_invalid', 'The upstream sent text that is not UTF-8.', { cause: error });
      }
      parser.feed(decoded);
    },
  };
}
