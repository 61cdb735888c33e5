import { Buffer } from 'node:buffer';
import { PLAIN } from '../config/plain.ts';
import { BodyProgress, ChunkList, InboundMessage } from '@penstock/inbound-server';
import { createEnvelopeScanner, isEnvelopeError, type Envelope, type EnvelopeScanner, type EnvelopeScannerOptions } from '@penstock/json-envelope';
import type { InboundRequest } from '../request/inbound-request.ts';
import type { ByteLease } from './byte-budget.ts';
import { BodyCodingError, createBodyDecoder, REQUEST_CODINGS, type BodyDecoder } from './decode-body.ts';
import { ClientGone, GatewayError } from '../request/gateway-error.ts';

/** A gathered JSON body: the client's own bytes, and what was read of them. */
export interface ReceivedJson {
  readonly chunks: readonly Buffer[];
  readonly byteLength: number;
  /** The length of its text: decoded, where it came compressed. */
  readonly textBytes: number;
  readonly envelope: Envelope;
  /** Whether what was read is a decoded copy: places in it are none in the chunks. */
  readonly isCompressed: boolean;
}

/** The members that the gateway reads; nested ones name a further model, or continue a message thread. */
export const READ_MEMBERS: readonly string[] = [
  'model', 'stream', 'max_tokens', 'fallbacks[].model', 'fallbacks[]', 'tools[].model', 'thread', 'thread.type', 'thread.previous_message_id',
];

const MAX_DEPTH = 1_000;
const MAX_VALUE_BYTES = 1_024;
/** By the body's limit: a scanner's options are checked once for each object. */
const scannerOptions = new Map<number, EnvelopeScannerOptions>();
/** The same for bodies in which values may be replaced. */
const placingOptions = new Map<number, EnvelopeScannerOptions>();
const JSON_TYPE = /^application\/(?:[a-z0-9.+-]+\+)?json\s*(?:;|$)/i;

/** Throws the `GatewayError` for a request whose content type is not JSON. */
export function checkJsonType({ contentType }: InboundRequest['head']): void {
  if (contentType === undefined || !JSON_TYPE.test(contentType)) throw new GatewayError('unsupported_media_type', 'The body must be JSON: send content-type: application/json.');
}

/**
 * Gathers a JSON body while it is validated, without parsing or copying it. A body that is here already is given at once. Throws or
 * rejects with the `GatewayError` that the client gets, or rejects with `ClientGone`. Listeners are removed and the clock stopped on
 * every path. With `findsPlaces` the strings that were read have their places. The content type is the caller's matter (`checkJsonType`).
 */
export function receiveJson(inbound: InboundRequest, lease: ByteLease, maxBytes: number, findsPlaces = false): ReceivedJson | Promise<ReceivedJson> {
  const { head } = inbound;
  if (head.contentLength !== undefined && head.contentLength > maxBytes) throw tooLarge(maxBytes);
  const scanner = createEnvelopeScanner(scannerOptionsFor(maxBytes, findsPlaces));
  const decoder = decoderFor(head.contentEncoding, scanner);
  if (inbound.expectsContinue) inbound.response.writeContinue();
  const whole = decoder === undefined && inbound.request instanceof InboundMessage ? inbound.request.tryReadBufferedBody(head.contentLength) : undefined;
  if (whole !== undefined) return readWhole(whole, lease, maxBytes, scanner);
  return new JsonReceipt(inbound, lease, maxBytes, scanner, decoder).promise;
}

/** The decoder of a compressed body; most have none, and cost nothing here. */
function decoderFor(contentEncoding: string | undefined, scanner: EnvelopeScanner): BodyDecoder | undefined {
  if (contentEncoding === undefined) return undefined;
  try {
    return createBodyDecoder(contentEncoding, (chunk) => scanner.write(chunk));
  } catch (error) {
    throw describeFailure(error, 0, true);
  }
}

function scannerOptionsFor(maxBytes: number, spans: boolean): EnvelopeScannerOptions {
  const known = spans ? placingOptions : scannerOptions;
  let options = known.get(maxBytes);
  if (options === undefined) {
    options = Object.freeze({ members: READ_MEMBERS, maxDepth: MAX_DEPTH, maxBytes, maxValueBytes: MAX_VALUE_BYTES, spans, plain: PLAIN });
    known.set(maxBytes, options);
  }
  return options;
}

/** Nearly every small body: it came with its head. */
function readWhole(body: ChunkList, lease: ByteLease, maxBytes: number, scanner: EnvelopeScanner): ReceivedJson {
  checkHeld(body, lease, maxBytes);
  const { byteLength } = body;
  const chunks = body.take();
  try {
    for (const chunk of chunks) scanner.write(chunk);
    return { chunks, byteLength, textBytes: byteLength, envelope: scanner.end(), isCompressed: false };
  } catch (error) {
    throw describeFailure(error, maxBytes, false);
  }
}

/** Whether so much of a body is allowed, and there is room for it. */
function checkHeld({ byteLength }: ChunkList, lease: ByteLease, maxBytes: number): void {
  if (byteLength > maxBytes) throw tooLarge(maxBytes);
  if (!lease.cover(byteLength)) throw new GatewayError('overloaded', lease.describeSpent(), { retryAfterSeconds: 1 });
}

class JsonReceipt {
  readonly promise: Promise<ReceivedJson>;
  readonly #inbound: InboundRequest;
  readonly #lease: ByteLease;
  readonly #maxBytes: number;
  readonly #scanner: EnvelopeScanner;
  readonly #decoder: BodyDecoder | undefined;
  readonly #body = new ChunkList();
  readonly #progress: BodyProgress;
  #isSettled = false;
  #resolve!: (received: ReceivedJson) => void;
  #reject!: (error: unknown) => void;

  constructor(inbound: InboundRequest, lease: ByteLease, maxBytes: number, scanner: EnvelopeScanner, decoder: BodyDecoder | undefined) {
    this.#inbound = inbound;
    this.#lease = lease;
    this.#maxBytes = maxBytes;
    this.#scanner = scanner;
    this.#decoder = decoder;
    this.#progress = new BodyProgress(inbound.limits, () => this.#fail(new GatewayError('request_timeout', 'The request body arrived too slowly.')));
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    inbound.request.on('data', this.#onData);
    inbound.request.on('end', this.#onEnd);
    inbound.request.on('close', this.#onClose);
    decoder?.onFailure((error) => this.#fail(error));
    // Node emits neither `data` nor `end` where there is no body.
    if (!inbound.head.isChunked && inbound.head.contentLength === undefined) this.#onEnd();
  }

  readonly #onData = (chunk: Buffer): void => {
    try {
      this.#progress.add(chunk.length);
      this.#body.append(chunk);
      checkHeld(this.#body, this.#lease, this.#maxBytes);
      if (this.#decoder === undefined) this.#scanner.write(chunk);
      else if (!this.#decoder.write(chunk)) this.#waitForDecoder(this.#decoder);
    } catch (error) {
      this.#fail(error);
    }
  };

  readonly #onEnd = (): void => {
    if (this.#decoder === undefined) this.#finish();
    else this.#decoder.end(() => this.#finish());
  };

  readonly #onClose = (): void => {
    if (!this.#inbound.request.complete) this.#fail(new ClientGone());
  };

  #waitForDecoder(decoder: BodyDecoder): void {
    this.#inbound.request.pause();
    this.#progress.pause();
    decoder.onceDrained(() => {
      if (this.#isSettled) return;
      this.#progress.resume();
      this.#inbound.request.resume();
    });
  }

  #finish(): void {
    try {
      const envelope = this.#scanner.end();
      this.#cleanUp();
      const byteLength = this.#body.byteLength;
      this.#resolve({ chunks: this.#body.take(), byteLength, textBytes: this.#decoder?.decodedBytes() ?? byteLength, envelope, isCompressed: this.#decoder !== undefined });
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#cleanUp();
    this.#decoder?.destroy();
    this.#body.take();
    this.#reject(describeFailure(error, this.#maxBytes, this.#decoder !== undefined));
  }

  #cleanUp(): void {
    this.#isSettled = true;
    this.#progress.pause();
    this.#inbound.request.off('data', this.#onData);
    this.#inbound.request.off('end', this.#onEnd);
    this.#inbound.request.off('close', this.#onClose);
  }
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError('too_large', `The request body exceeds the maximum size of ${maxBytes} bytes.`);
}

/** The `GatewayError` for what is wrong with a body; any other failure as it is. */
function describeFailure(error: unknown, maxBytes: number, isDecoded: boolean): unknown {
  if (isEnvelopeError(error)) return describeEnvelopeError(error, maxBytes, isDecoded);
  if (!(error instanceof BodyCodingError)) return error;
  if (error.code === 'corrupt') return new GatewayError('bad_request', error.message, { cause: error.cause });
  return new GatewayError('unsupported_media_type', error.message, { acceptEncoding: REQUEST_CODINGS });
}

function describeEnvelopeError(error: { readonly code: string; readonly byteOffset: number }, maxBytes: number, isDecoded: boolean): GatewayError {
  if (error.code === 'too_large') return tooLarge(maxBytes);
  const what = error.code === 'invalid_utf8' ? 'is not valid UTF-8' : error.code === 'too_deep' ? 'is nested too deeply' : 'is not valid JSON';
  return new GatewayError('bad_request', `The request body ${what} (byte ${error.byteOffset}${isDecoded ? ' after decoding' : ''}).`, { cause: error });
}
