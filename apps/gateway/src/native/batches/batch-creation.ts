import { Buffer } from 'node:buffer';
import { createBatchReader } from '@penstock/anthropic-usage';
import { readContentCoding, type BodyObserver } from '@penstock/sse-relay';
import type { BatchEstimate } from '../../cost/cost-of-batch.ts';
import type { OutboundBody } from '../../pipe/piped-exchange.ts';
import { loggedId } from '../../request/logged-fields.ts';
import type { LoggedBatch } from '../../request/request-record.ts';

/** Bytes of an answer that are kept to find the batch in it: one has less than 1,000. */
const MOST_ANSWER_BYTES = 16_384;

/** A request that makes a message batch: its body is read as it passes, and its answer for the id of the batch. */
export class BatchCreation implements BodyObserver {
  readonly #reader = createBatchReader();
  readonly #isCompressed: boolean;
  #answer: Uint8Array[] | undefined;
  #answerBytes = 0;
  #id: string | undefined;
  #counted: number | undefined;

  /** @param rawHeaders those of the request */
  constructor(rawHeaders: readonly string[]) {
    this.#isCompressed = readContentCoding(rawHeaders) !== 'identity';
  }

  /** The id that the API gave the batch; `undefined` where its answer was not read. */
  get id(): string | undefined {
    return this.#id;
  }

  /** What the access log shows of it. */
  get logged(): LoggedBatch | undefined {
    const id = loggedId(this.#id);
    return id === undefined ? undefined : { id };
  }

  /** The model of its first request. */
  get model(): string | undefined {
    return this.#reader.result().models[0]?.model;
  }

  /** What is known of it now. */
  estimate(): BatchEstimate {
    return { read: this.#reader.result(), isCompressed: this.#isCompressed, counted: this.#counted };
  }

  /** The body, which is read when it is taken. `check` is called after each piece, before that is given away, and with `true` before the upstream has the end of the body. */
  watch({ body, contentLength }: OutboundBody, check: (isWhole: boolean) => void): OutboundBody['body'] {
    if (body === null) return body;
    if (Symbol.asyncIterator in body) return this.#watched(body, contentLength, check);
    for (const piece of body instanceof Uint8Array ? [body] : body) this.#reader.write(piece);
    check(true);
    return body;
  }

  async *#watched(body: AsyncIterable<Uint8Array>, contentLength: number | undefined, check: (isWhole: boolean) => void): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    for await (const piece of body) {
      this.#reader.write(piece);
      bytes += piece.length;
      check(bytes === contentLength);
      yield piece;
    }
    // The end of a chunked body is sent behind its last piece.
    if (contentLength === undefined) check(true);
  }

  onHead(status: number, rawHeaders: readonly string[]): void {
    if (status === 200 && readContentCoding(rawHeaders) === 'identity') this.#answer = [];
  }

  onChunk(chunk: Uint8Array): void {
    this.#answerBytes += chunk.length;
    if (this.#answerBytes > MOST_ANSWER_BYTES) this.#answer = undefined;
    this.#answer?.push(chunk);
  }

  onEnd(): void {
    const answer = this.#answer;
    this.#answer = undefined;
    if (answer === undefined) return;
    const batch = readBatch(Buffer.concat(answer).toString('utf8'));
    this.#id = batch?.id;
    this.#counted = batch?.requests;
  }
}

function readBatch(text: string): { readonly id: string; readonly requests: number | undefined } | undefined {
  try {
    const { id, request_counts: counts } = JSON.parse(text) as { id?: unknown; request_counts?: Readonly<Record<string, unknown>> };
    const requests = Object.values(counts ?? {}).reduce<number>((sum, count) => sum + (typeof count === 'number' && Number.isInteger(count) && count > 0 ? count : 0), 0);
    return typeof id === 'string' && id !== '' ? { id, requests: requests === 0 ? undefined : requests } : undefined;
  } catch {
    return undefined;
  }
}
