import { Buffer } from 'node:buffer';
import { isJsonObject, member, type JsonObject } from '../json/json-value.ts';
import { tokenCount } from '../json/token-count.ts';
import type { TokenCounts } from '../request-summary.ts';
import { textBytesIn } from './relayed-text.ts';
import { createEventDataReader } from './event-data.ts';
import { JsonMembers, readJson } from './json-members.ts';

/** What was read of a relayed answer. */
export interface RelayObservation {
  readonly model?: string;
  readonly usage?: TokenCounts;
  readonly sawStop?: boolean;
  /** Bytes of what the model wrote; of a JSON answer all its bytes. */
  readonly textBytes?: number;
  readonly sawError: boolean;
  /** Whether a chat ended, by a finish reason or by `[DONE]`; true of answers that are no stream. */
  readonly sawEnd: boolean;
}

/** Reads the plain bytes of an answer as they come. */
export interface AnswerReader {
  write(bytes: Uint8Array): void;
  result(): RelayObservation;
}

/** The largest member of a JSON answer that is read; `usage` takes some hundred bytes. */
const MAX_MEMBER_BYTES = 64 * 1024;

const READ_MEMBERS = ['model', 'usage', 'x_groq', 'error'];

function countOf(object: JsonObject, ...names: readonly string[]): number {
  for (const name of names) {
    const count = tokenCount(member(object, name));
    if (count !== undefined) return count;
  }
  return 0;
}

const TOTALS = ['prompt_tokens', 'input_tokens', 'completion_tokens', 'output_tokens'];

/** A total that is there and is no count makes the whole usage unknown: what is charged is then estimated. */
function readCounts(usage: JsonObject): TokenCounts | undefined {
  if (TOTALS.some((name) => (member(usage, name) ?? undefined) !== undefined && tokenCount(member(usage, name)) === undefined)) return undefined;
  const details = member(usage, 'prompt_tokens_details') ?? member(usage, 'input_tokens_details');
  const cacheRead = isJsonObject(details) ? countOf(details, 'cached_tokens') : 0;
  const cacheWrite5m = isJsonObject(details) ? countOf(details, 'cache_write_tokens') : 0;
  const input = Math.max(0, countOf(usage, 'prompt_tokens', 'input_tokens') - cacheRead - cacheWrite5m);
  return { input, output: countOf(usage, 'completion_tokens', 'output_tokens'), cacheRead, cacheWrite5m, cacheWrite1h: 0 };
}

interface Found {
  model?: string;
  usage?: TokenCounts;
  sawError: boolean;
}

/** Groq reports usage beside the answer, without being asked. */
function usageOf(answer: JsonObject): unknown {
  const beside = member(answer, 'x_groq');
  return member(answer, 'usage') ?? (isJsonObject(beside) ? member(beside, 'usage') : undefined);
}

function readInto(found: Found, value: unknown): void {
  if (!isJsonObject(value)) return;
  // The Responses API wraps its object in the last event.
  const answer = isJsonObject(value['response']) ? value['response'] : value;
  if (typeof answer['model'] === 'string') found.model = answer['model'];
  const usage = usageOf(answer);
  const counts = isJsonObject(usage) ? readCounts(usage) : undefined;
  if (counts !== undefined) found.usage = counts;
  if (isJsonObject(member(value, 'error'))) found.sawError = true;
}

/** A larger event is not parsed: a megabyte of small values takes tens of milliseconds and many times its size. */
const MAX_PARSED_CHARS = 64 * 1024;

/** The chosen members of a text, and those of the answer that the Responses API wraps. */
function readMembers(text: string, maxEventBytes: number): JsonObject {
  const members = new JsonMembers([...READ_MEMBERS, 'response'], maxEventBytes);
  members.write(Buffer.from(text));
  const found = members.found();
  const wrapped = found.get('response');
  if (wrapped === undefined) return valuesOf(found);
  return { ...valuesOf(found), response: readMembers(wrapped, MAX_MEMBER_BYTES) };
}

function valuesOf(members: ReadonlyMap<string, string>): JsonObject {
  return Object.fromEntries([...members].filter(([name]) => name !== 'response').map(([name, text]) => [name, readJson(text)]));
}

const FINISH_REASON = /"finish_reason":\s*"/;

function readEvents({ maxEventBytes, measuresText }: AnswerReaderOptions): AnswerReader {
  const found: Found = { sawError: false };
  let isDone = false;
  let isFinished = false;
  let isFirst = true;
  let textBytes = 0;
  const events = createEventDataReader({
    maxEventBytes,
    onData: (data) => {
      isFinished ||= FINISH_REASON.test(data);
      if (data === '[DONE]') isDone = true;
      // Most events hold a few characters of text; only those that can matter are parsed.
      else if (isFirst || data.includes('"usage"') || data.includes('"error"')) readInto(found, data.length > MAX_PARSED_CHARS ? readMembers(data, maxEventBytes) : JSON.parse(data));
      if (measuresText) textBytes += data.length > MAX_PARSED_CHARS ? data.length : textBytesIn(data);
      isFirst = false;
    },
  });
  return {
    write: (bytes) => { events.write(bytes); },
    result: () => ({ ...found, ...(measuresText ? { textBytes } : {}), sawStop: isDone, sawEnd: isDone || isFinished || found.sawError }),
  };
}

function readWhole({ measuresText }: AnswerReaderOptions): AnswerReader {
  let textBytes = 0;
  const members = new JsonMembers(READ_MEMBERS, MAX_MEMBER_BYTES);
  return {
    write: (bytes) => {
      textBytes += bytes.length;
      members.write(bytes);
    },
    result: () => {
      const found: Found = { sawError: false };
      readInto(found, valuesOf(members.found()));
      return { ...found, ...(measuresText ? { textBytes } : {}), sawEnd: true };
    },
  };
}

/** What a reader needs. */
export interface AnswerReaderOptions {
  readonly maxEventBytes: number;
  /** Whether what the model writes is counted; each event is then parsed. */
  readonly measuresText: boolean;
}

/** Makes the reader for a media type; answers of other types are not read. */
export function createAnswerReader(mediaType: string, options: AnswerReaderOptions): AnswerReader | undefined {
  if (mediaType === 'text/event-stream') return readEvents(options);
  return mediaType === 'application/json' ? readWhole(options) : undefined;
}
