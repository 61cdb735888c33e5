import { Buffer } from 'node:buffer';
import { jsonAnswer, type Answer, type BodyPart, type HeaderField } from '../http/answer.ts';
import { isJsonObject, textOf, type JsonObject } from '../json.ts';
import { createSeededRandom } from '../seeded-random.ts';
import { encodeExceptionFrame, encodeFrame } from './encode-frame.ts';
import { contentTypeOf, errorMessageOf, readTextEvent, verbatim, type ShapeContext } from './native-answer.ts';

/** The exception and the status that Amazon Bedrock answers in place of one of the API's statuses. */
const EXCEPTIONS: Readonly<Record<number, readonly [exception: string, status: number]>> = Object.freeze({
  400: ['ValidationException', 400], 401: ['UnrecognizedClientException', 403], 403: ['AccessDeniedException', 403], 404: ['ResourceNotFoundException', 404],
  408: ['ModelTimeoutException', 408], 413: ['ValidationException', 400], 424: ['ModelErrorException', 424], 429: ['ThrottlingException', 429],
  500: ['InternalServerException', 500], 503: ['ServiceUnavailableException', 503], 529: ['ServiceUnavailableException', 503],
});

/** Makes the answer of Amazon Bedrock: its header fields, its errors, and frames in place of text events. */
export function shapeBedrockAnswer(answer: Answer, { requestId, date }: ShapeContext): Answer {
  if (answer.headerFamily === 'edge' || answer.headerFamily === 'verbatim') return answer;
  const random = createSeededRandom('bedrock', requestId);
  const common: HeaderField[] = [['Date', date], ['x-amzn-RequestId', uuidOf(random.base64(16))]];
  if (answer.status >= 400) {
    const [exception, status] = EXCEPTIONS[answer.status] ?? ['InternalServerException', answer.status];
    const hints = answer.headers.filter(([name]) => name === 'retry-after');
    const shaped = jsonAnswer({ message: errorMessageOf(answer) }, { status, headDelayMs: answer.headDelayMs });
    return verbatim(shaped, [...common, ...shaped.headers, ['x-amzn-ErrorType', `${exception}:http://internal.amazon.com/coral/com.amazon.bedrock/`], ...hints]);
  }
  if (contentTypeOf(answer).startsWith('text/event-stream')) {
    const fields: HeaderField[] = [['Content-Type', 'application/vnd.amazon.eventstream'], ['X-Amzn-Bedrock-Content-Type', 'application/json']];
    return verbatim({ ...answer, body: { [Symbol.iterator]: () => frames(answer.body) } }, [...common, ...fields]);
  }
  return verbatim(answer, [...common, ...answer.headers]);
}

/** One frame for each event; a ping has none, the silence before it stays. */
function* frames(parts: Iterable<BodyPart>): Generator<BodyPart> {
  const tokens: Record<string, unknown> = {};
  let owedMs = 0;
  for (const { bytes, delayMs } of parts) {
    const event = readTextEvent(bytes);
    const frame = frameOf(event, tokens);
    if (frame === undefined) owedMs += delayMs;
    else {
      yield { bytes: frame, delayMs: delayMs + owedMs };
      owedMs = 0;
    }
  }
}

function frameOf(event: JsonObject, tokens: Record<string, unknown>): Buffer | undefined {
  const usage = event['usage'] ?? (isJsonObject(event['message']) ? event['message']['usage'] : undefined);
  if (isJsonObject(usage)) Object.assign(tokens, usage);
  switch (event['type']) {
    case 'ping': return undefined;
    case 'error': return encodeExceptionFrame('modelStreamErrorException', isJsonObject(event['error']) ? textOf(event['error']['message']) : '');
    case 'message_stop': return chunkFrame({ ...event, 'amazon-bedrock-invocationMetrics': { inputTokenCount: tokens['input_tokens'], outputTokenCount: tokens['output_tokens'], invocationLatency: 1_000, firstByteLatency: 300 } });
    default: return chunkFrame(event);
  }
}

const PADDING = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** A chunk is padded with a part of the alphabet, so that its length says nothing of its text. */
function chunkFrame(event: JsonObject): Buffer {
  const bytes = Buffer.from(JSON.stringify(event)).toString('base64');
  const payload = { bytes, p: PADDING.slice(0, 1 + bytes.length % PADDING.length) };
  return encodeFrame({ ':event-type': 'chunk', ':content-type': 'application/json', ':message-type': 'event' }, Buffer.from(JSON.stringify(payload)));
}

function uuidOf(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
