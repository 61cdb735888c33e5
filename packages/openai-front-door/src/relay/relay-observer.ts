import { createAnswerReader, type AnswerReader, type RelayObservation } from './answer-reader.ts';
import { createDecodedAnswer, type DecodedAnswer } from './decoded-answer.ts';

/** Reads a relayed answer beside its path; it sees chunks after they were written and can change nothing. */
export interface RelayObserver {
  /** The promise of a reader that lags resolves when it takes more: what waits to be decoded is bounded. */
  onChunk(chunk: Uint8Array): Promise<void> | undefined;
  /** What was read so far. */
  soFar(): RelayObservation;
  /** What was read, once the answer is over; of one that was cut as far as it came. Never rejects. */
  result(isCut: boolean): Promise<RelayObservation>;
}

/** What an observer needs to know of an answer. */
export interface RelayObserverOptions {
  readonly mediaType: string;
  /** The content coding in lower case; `identity` for none. */
  readonly coding: string;
  readonly maxEventBytes: number;
  readonly maxDecodedBytes: number;
  /** Whether what the model writes is counted. */
  readonly measuresText: boolean;
  /** Called at most once, when the answer cannot be read. */
  readonly onError: (error: unknown) => void;
}

/** What is known of an answer that was not read: it is taken for whole. */
const UNREAD: RelayObservation = Object.freeze({ sawError: false, sawEnd: true });

const IGNORED: RelayObserver = { onChunk: () => undefined, soFar: () => UNREAD, result: () => Promise.resolve(UNREAD) };

/** Observes an answer by its media type and coding; one of another type or an unknown coding is not read. Whatever goes wrong in reading, the bytes go on. */
export function createRelayObserver(options: RelayObserverOptions): RelayObserver {
  return options.measuresText ? observeAllBytes(options) : observeAnswer(options);
}

function observeAnswer(options: RelayObserverOptions): RelayObserver {
  const reader = createAnswerReader(options.mediaType, options);
  if (reader === undefined) return IGNORED;
  if (options.coding === 'identity') return observePlain(reader, options.onError);
  const decoded = createDecodedAnswer(options.coding, { maxDecodedBytes: options.maxDecodedBytes, onDecoded: (bytes) => { reader.write(bytes); }, onError: options.onError });
  return decoded === undefined ? IGNORED : observeDecoded(reader, decoded);
}

/** Text compresses to a fourth or less. */
const USUAL_COMPRESSION = 4;

/** Also counts the bytes of an answer that cannot be read: its text is taken to be as long, or four times that where it is compressed. */
function observeAllBytes(options: RelayObserverOptions): RelayObserver {
  let bytes = 0;
  let hasFailed = false;
  const observer = observeAnswer({ ...options, onError: (error) => {
    hasFailed = true;
    options.onError(error);
  } });
  const withAllBytes = (seen: RelayObservation): RelayObservation => {
    if (seen.textBytes !== undefined && !hasFailed) return seen;
    return { ...seen, textBytes: Math.max(seen.textBytes ?? 0, options.coding === 'identity' ? bytes : bytes * USUAL_COMPRESSION) };
  };
  return {
    onChunk: (chunk) => {
      bytes += chunk.length;
      return observer.onChunk(chunk);
    },
    soFar: () => withAllBytes(observer.soFar()),
    result: async (isCut) => withAllBytes(await observer.result(isCut)),
  };
}

function observePlain(reader: AnswerReader, onError: (error: unknown) => void): RelayObserver {
  let hasFailed = false;
  return {
    onChunk: (chunk) => {
      if (hasFailed) return undefined;
      try {
        reader.write(chunk);
      } catch (error) {
        hasFailed = true;
        onError(error);
      }
      return undefined;
    },
    soFar: () => (hasFailed ? UNREAD : reader.result()),
    result: () => Promise.resolve(hasFailed ? UNREAD : reader.result()),
  };
}

function observeDecoded(reader: AnswerReader, decoded: DecodedAnswer): RelayObserver {
  return {
    onChunk: (chunk) => decoded.write(chunk),
    soFar: () => reader.result(),
    result: async (isCut) => {
      const isWhole = await decoded.end(isCut);
      // What came before the decoding ended counts, but of the end nothing is known.
      return isWhole ? reader.result() : { ...reader.result(), ...UNREAD };
    },
  };
}
