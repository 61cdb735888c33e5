import { Buffer } from 'node:buffer';
import { describeUnknownOption, describeWrongOption, type OptionType } from '@penstock/option-names';
import { ByteBuffer, createDecodedCopy, DEFAULT_EVENT_OBSERVER_LIMITS, ObserverError, readContentCoding, type BodyObserver, type DecodedCopy } from '@penstock/sse-relay';
import { asObject, type JsonObject } from '../json-values.ts';
import { MessageReading } from '../message-reading.ts';
import { UsageOptionError } from '../usage-option-error.ts';
import type { MessageUsage } from '../usage-result.ts';

/** What one line of the results of a message batch reports. */
export interface BatchResult {
  readonly customId: string;
  /** `succeeded`, `errored`, `canceled` or `expired`. */
  readonly type: string;
  /** Absent unless it succeeded: the others are not billed. */
  readonly usage?: MessageUsage;
  /** The model that the message names. */
  readonly model?: string;
}

/** Settings of an observer of results. */
export interface BatchResultsOptions {
  readonly onResult: (result: BatchResult) => void;
  /** Called with what could not be read; reading goes on with the next line where it can. */
  readonly onError?: (error: unknown) => void;
  /** The longest line that is read, which is held until its end. @defaultValue 4194304 */
  readonly maxLineBytes?: number;
}

/** How many bytes of a line are kept when `maxLineBytes` is not given: six times the longest answer of a model today. */
export const DEFAULT_MAX_LINE_BYTES: number = 4 * 1024 * 1024;

/** Decoded bytes that are read at most: a batch has 100,000 results. */
const MAX_DECODED_BYTES = 64 * 1024 * 1024 * 1024;
const LINE_END = 0x0a;
const OPTION_TYPES: Readonly<Record<keyof BatchResultsOptions, OptionType>> = { onResult: 'function', onError: 'function?', maxLineBytes: 'number?' };

/**
 * Creates the observer of one answer to `GET /v1/messages/batches/{id}/results`, whose lines are JSON objects. Each is reported when its line end has come; of an
 * answer that is cut the last line is left out. An answer with another status than 200 has no results.
 *
 * @throws UsageOptionError `unknown_option`, `invalid_option`
 */
export function createBatchResultsObserver(options: BatchResultsOptions): BodyObserver {
  const unknown = describeUnknownOption(options, OPTION_TYPES);
  if (unknown !== undefined) throw new UsageOptionError('unknown_option', unknown);
  const wrong = describeWrongOption(options, OPTION_TYPES);
  if (wrong !== undefined) throw new UsageOptionError('invalid_option', wrong);
  return new ResultsObserver(options);
}

class ResultsObserver implements BodyObserver {
  readonly #options: BatchResultsOptions;
  readonly #maxLineBytes: number;
  #isReading = true;
  #copy: DecodedCopy | undefined;
  /** The beginning of a line whose end has not come. */
  #line: ByteBuffer | undefined;
  #isSkipping = false;

  constructor(options: BatchResultsOptions) {
    this.#options = options;
    this.#maxLineBytes = options.maxLineBytes ?? DEFAULT_MAX_LINE_BYTES;
  }

  onHead(status: number, rawHeaders: readonly string[]): void {
    this.#isReading = status === 200;
    const coding = readContentCoding(rawHeaders);
    if (!this.#isReading || coding === 'identity') return;
    this.#copy = createDecodedCopy({
      coding, maxLagBytes: DEFAULT_EVENT_OBSERVER_LIMITS.maxLagBytes, maxDecodedBytes: MAX_DECODED_BYTES,
      onDecoded: (bytes) => this.#read(bytes),
      onError: (error) => {
        this.#isReading = false;
        this.#options.onError?.(error);
      },
    });
  }

  onChunk(chunk: Uint8Array): void {
    if (!this.#isReading) return;
    if (this.#copy === undefined) this.#read(chunk);
    else this.#copy.write(chunk);
  }

  onEnd(how: string): Promise<void> | undefined {
    const isWhole = how === 'complete';
    const ended = this.#copy?.end(isWhole);
    if (ended !== undefined) return ended.then(() => this.#end(isWhole));
    this.#end(isWhole);
    return undefined;
  }

  /** The last line of a whole answer may have no end. */
  #end(isWhole: boolean): void {
    const rest = this.#line;
    this.#line = undefined;
    if (this.#isReading && isWhole && rest !== undefined) this.#take(rest.view());
    this.#isReading = false;
  }

  #read(chunk: Uint8Array): void {
    let from = 0;
    for (let end = chunk.indexOf(LINE_END); end !== -1; end = chunk.indexOf(LINE_END, from)) {
      this.#endLine(chunk.subarray(from, end));
      from = end + 1;
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
  }

  #keep(piece: Uint8Array): void {
    if (this.#isSkipping) return;
    if ((this.#line?.length ?? 0) + piece.length > this.#maxLineBytes) {
      this.#line = undefined;
      this.#isSkipping = true;
      this.#options.onError?.(new ObserverError('member_too_large', `a line of batch results is over ${this.#maxLineBytes} bytes`));
    } else if (this.#line === undefined) this.#line = new ByteBuffer(piece);
    else this.#line.append(piece);
  }

  #endLine(piece: Uint8Array): void {
    const isShort = this.#line === undefined && !this.#isSkipping && piece.length <= this.#maxLineBytes;
    if (!isShort) this.#keep(piece);
    const line = isShort ? piece : this.#line?.view();
    this.#line = undefined;
    this.#isSkipping = false;
    if (line !== undefined) this.#take(line);
  }

  #take(line: Uint8Array): void {
    if (line.length <= 1) return;
    let entry: JsonObject | undefined;
    try {
      entry = asObject(JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8')));
    } catch (cause) {
      this.#options.onError?.(new ObserverError('invalid_json', 'a line of batch results is not JSON', { cause }));
    }
    const result = entry === undefined ? undefined : readEntry(entry);
    if (result !== undefined) this.#options.onResult(result);
  }
}

function readEntry(entry: JsonObject): BatchResult | undefined {
  const customId = entry['custom_id'];
  const result = asObject(entry['result']);
  const type = result?.['type'];
  if (typeof customId !== 'string' || typeof type !== 'string') return undefined;
  const message = type === 'succeeded' ? asObject(result?.['message']) : undefined;
  if (message === undefined) return { customId, type };
  const reading = new MessageReading();
  reading.takeMessage(message);
  const { usage, source, model } = reading.result();
  return { customId, type, ...(source === 'final' ? { usage } : {}), ...(model === undefined ? {} : { model }) };
}
