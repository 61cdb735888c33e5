import { FrontDoorError } from '../errors/front-door-error.ts';
import { openAiErrorBody, type OpenAiErrorBody } from '../errors/openai-error-body.ts';
import type { StreamProgress } from '../request-summary.ts';
import { translateResponseHeaders } from '../messages-core/response-headers.ts';
import { statusOfErrorType, upstreamErrorBody, type UpstreamFault } from '../messages-core/upstream-error.ts';
import { errorFrame } from '../chat/chunk-writer.ts';
import { createEventDecoder } from '../messages-core/event-decoder.ts';
import { KEEP_ALIVE_FRAME, type StreamTranslator } from '../messages-core/messages-stream.ts';
import { answerJson } from './answer-upstream.ts';
import type { Exchange, UpstreamAnswer } from './exchange.ts';
import { watchSilence, type SilenceOptions, type SilenceWatch } from './keep-alive.ts';

/** Everything a streamed answer is made from. */
export interface StreamAnswer {
  readonly response: UpstreamAnswer;
  readonly translator: StreamTranslator;
  readonly maxEventChars: number;
  readonly silence: SilenceOptions;
  /** Header fields of the answer beside those of every event stream. */
  readonly headers: readonly string[];
}

/** How long the upstream may take to end its body after `message_stop` before its connection is given up. */
const TRAILING_BYTES_MS = 1000;

/** Writes the head, and releases the fields of the upstream's. */
function writeStreamHead(exchange: Exchange, answer: StreamAnswer): void {
  exchange.client.writeHead(200, [
    'content-type', 'text/event-stream; charset=utf-8', 'cache-control', 'no-cache', 'x-accel-buffering', 'no',
    ...translateResponseHeaders(answer.response.rawHeaders, exchange.requestId), ...answer.headers,
  ]);
  answer.response.rawHeaders = [];
}

/** Before the first event a fault is still a real status; after it, an error frame. */
async function answerFault(exchange: Exchange, answer: StreamAnswer, fault: UpstreamFault): Promise<void> {
  exchange.record.outcome = 'stream_error_event';
  exchange.record.errorCode = fault.type;
  const body = upstreamErrorBody(fault);
  if (exchange.client.headSent()) {
    await exchange.client.end(answer.translator.fail(body.error));
    return;
  }
  await answerJson(exchange, statusOfErrorType(fault.type), translateResponseHeaders(answer.response.rawHeaders, exchange.requestId), body);
}

/** Ends a stream that broke: an error frame, and neither a finish reason nor `[DONE]`. A protocol may have an end of its own for broken answers. */
export async function breakStream(exchange: Exchange, failure: FrontDoorError, endOf: (error: OpenAiErrorBody['error']) => string = (error) => errorFrame({ error })): Promise<void> {
  exchange.record.outcome = failure.outcome;
  exchange.record.errorCode = failure.code;
  exchange.record.error = failure;
  if (failure.outcome === 'client_gone' || failure.outcome === 'client_stalled') {
    exchange.client.destroy();
    return;
  }
  await exchange.client.end(endOf(openAiErrorBody(failure).error));
}

function progressOf(translator: StreamTranslator): StreamProgress {
  const [model, usage, textBytes] = [translator.model(), translator.usage.counts(), translator.textBytes()];
  return { ...(model === undefined ? {} : { model }), ...(usage === undefined ? {} : { usage }), ...(textBytes === undefined ? {} : { textBytes }) };
}

function noteResult(exchange: Exchange, translator: StreamTranslator): void {
  const { record } = exchange;
  const stopReason = translator.stopReason();
  Object.assign(record, progressOf(translator));
  if (stopReason !== undefined) record.stopReason = stopReason;
  record.usageSource = translator.usage.source();
  record.sawStop = translator.isDone();
}

/** Moves the stream: one upstream chunk in, its frames out, and no next chunk before the client took them. */
async function pump(exchange: Exchange, answer: StreamAnswer, body: AsyncIterable<Uint8Array>, silence: SilenceWatch): Promise<void> {
  const { client } = exchange;
  const { translator } = answer;
  let frames = '';
  const decoder = createEventDecoder({ maxEventChars: answer.maxEventChars, onData: (data) => { frames += translator.translate(data); } });
  const flush = async (): Promise<void> => {
    if (frames === '') {
      silence.unheard();
      return;
    }
    if (!client.headSent()) writeStreamHead(exchange, answer);
    const written = frames;
    frames = '';
    silence.heard();
    await client.write(written);
  };
  for await (const chunk of body) {
    try {
      decoder.write(chunk);
    } catch (error) {
      // What came before the fault is the client's, unless the fault can still be told by a status.
      if (client.headSent()) await flush();
      throw error;
    }
    await flush();
    if (translator.fault() !== undefined || translator.isDone()) return;
  }
}

/** Lets the upstream end its body so that its connection can be used again; the client does not wait for it. */
async function readTrailingBytes(exchange: Exchange, body: AsyncIterator<Uint8Array>): Promise<void> {
  const timer = setTimeout(() => { exchange.cancelUpstream(); }, TRAILING_BYTES_MS);
  try {
    while ((await body.next()).done !== true);
  } catch {
    // The answer was whole before; how its connection ends is the backend's affair.
  } finally {
    clearTimeout(timer);
  }
}

/** A view of an async iterator that a `for await` loop does not close when it breaks off. */
function keptOpen(iterator: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) };
}

/** Answers with a translated stream; settles nothing, but notes everything on the record. */
export async function answerStream(exchange: Exchange, answer: StreamAnswer): Promise<void> {
  const { translator } = answer;
  const iterator = answer.response.body[Symbol.asyncIterator]();
  exchange.record.isEventStream = true;
  exchange.streamBegun(() => progressOf(translator));
  const silence = watchSilence(answer.silence, () => exchange.client.headSent() && exchange.client.writeIfReading(KEEP_ALIVE_FRAME));
  try {
    await pump(exchange, answer, keptOpen(iterator), silence);
    exchange.record.largestGapMs = silence.largestGapMs();
    const fault = translator.fault();
    if (fault !== undefined) {
      await answerFault(exchange, answer, fault);
    } else if (translator.isDone()) {
      exchange.record.outcome = 'ok';
      await exchange.client.end();
      await readTrailingBytes(exchange, iterator);
    } else {
      throw new FrontDoorError('upstream_truncated', 'The upstream ended its answer before it was complete.');
    }
  } catch (error) {
    const failure = exchange.classify(error);
    // Before the head, the caller answers the failure with its real status.
    if (!exchange.client.headSent()) throw failure;
    await breakStream(exchange, failure, (broken) => translator.fail(broken));
  } finally {
    silence.stop();
    exchange.record.largestGapMs ??= silence.largestGapMs();
    noteResult(exchange, translator);
    if (!translator.isDone()) exchange.cancelUpstream();
    await iterator.return?.();
  }
}
