import { Buffer } from 'node:buffer';
import { asNumber } from '../request/parse-json.ts';
import { isJsonObject, member, type JsonObject } from '../request/json-value.ts';
import type { TokenCounts } from '../request-summary.ts';
import { createEventDecoder } from '../stream/event-decoder.ts';

/** What a relayed answer said of itself. */
export interface RelayObservation {
  readonly model?: string;
  readonly usage?: TokenCounts;
  readonly sawStop?: boolean;
  readonly sawError: boolean;
  /** Whether a chat said that it is over, by a finish reason or by `[DONE]`; true of answers that are no stream. */
  readonly sawEnd: boolean;
}

/** Reads a relayed answer beside its path; it sees chunks after they were written and can change nothing. */
export interface RelayObserver {
  onChunk(chunk: Uint8Array): void;
  result(): RelayObservation;
}

/** A JSON answer larger than this is relayed unread. */
const MAX_OBSERVED_BYTES = 1024 * 1024;

function numberOf(object: JsonObject, ...names: readonly string[]): number {
  for (const name of names) {
    const value = asNumber(member(object, name));
    if (typeof value === 'number') return value;
  }
  return 0;
}

function readCounts(usage: JsonObject): TokenCounts {
  const details = member(usage, 'prompt_tokens_details') ?? member(usage, 'input_tokens_details');
  const cacheRead = isJsonObject(details) ? numberOf(details, 'cached_tokens') : 0;
  const cacheWrite5m = isJsonObject(details) ? numberOf(details, 'cache_write_tokens') : 0;
  const input = Math.max(0, numberOf(usage, 'prompt_tokens', 'input_tokens') - cacheRead - cacheWrite5m);
  return { input, output: numberOf(usage, 'completion_tokens', 'output_tokens'), cacheRead, cacheWrite5m, cacheWrite1h: 0 };
}

interface Found {
  model?: string;
  usage?: TokenCounts;
  sawError: boolean;
}

function readInto(found: Found, value: unknown): void {
  if (!isJsonObject(value)) return;
  // The Responses API wraps its object in the last event.
  const answer = isJsonObject(value['response']) ? value['response'] : value;
  if (typeof answer['model'] === 'string') found.model = answer['model'];
  const usage = member(answer, 'usage');
  if (isJsonObject(usage)) found.usage = readCounts(usage);
  if (isJsonObject(member(value, 'error'))) found.sawError = true;
}

const FINISH_REASON = /"finish_reason":\s*"/;

function observeEvents(maxEventChars: number): RelayObserver {
  const found: Found = { sawError: false };
  let isDone = false;
  let isFinished = false;
  let isFirst = true;
  const decoder = createEventDecoder({
    maxEventChars,
    onData: (data) => {
      isFinished ||= FINISH_REASON.test(data);
      if (data === '[DONE]') isDone = true;
      // Most events hold a few characters of text; only those that can matter are parsed.
      else if (isFirst || data.includes('"usage"') || data.includes('"error"')) readInto(found, JSON.parse(data));
      isFirst = false;
    },
  });
  return { onChunk: (chunk) => { decoder.write(chunk); }, result: () => ({ ...found, sawStop: isDone, sawEnd: isDone || isFinished || found.sawError }) };
}

function observeJson(): RelayObserver {
  const chunks: Uint8Array[] = [];
  let length = 0;
  return {
    onChunk: (chunk) => {
      length += chunk.length;
      if (length <= MAX_OBSERVED_BYTES) chunks.push(chunk);
      else chunks.length = 0;
    },
    result: () => {
      const found: Found = { sawError: false };
      if (length > 0 && length <= MAX_OBSERVED_BYTES) readInto(found, JSON.parse(Buffer.concat(chunks).toString('utf8')));
      return { ...found, sawEnd: true };
    },
  };
}

/** Observes an answer by its media type; one that is compressed or of another type is not read. */
export function createRelayObserver(mediaType: string, maxEventChars: number): RelayObserver | undefined {
  if (mediaType === 'text/event-stream') return observeEvents(maxEventChars);
  return mediaType === 'application/json' ? observeJson() : undefined;
}
