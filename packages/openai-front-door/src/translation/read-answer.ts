import { Buffer } from 'node:buffer';
import { translateMessage, type AnswerSettings } from '../chat/translate-message.ts';
import { FrontDoorError } from '../errors/front-door-error.ts';
import { outlineOf } from '../json/json-outline.ts';
import { isJsonObject } from '../json/json-value.ts';
import { parseJsonExactly } from '../json/parse-json.ts';
import type { UsageTally } from '../messages-core/usage.ts';
import type { ResponseSettings } from '../responses/response-writer.ts';
import { translateResponse } from '../responses/translate-response.ts';
import type { AnswerTokens, UsageSource } from '../request-summary.ts';

interface ValueBound {
  /** The most JSON values that the answer may hold. */
  readonly maxValues: number;
}

/** What decides how a whole answer becomes a chat completion: data only. */
export interface AnswerPlan extends AnswerSettings, ValueBound {}

/** What decides how a whole answer becomes a response: data only. */
export interface ResponseAnswerPlan extends ResponseSettings, ValueBound {}

/** A whole answer in OpenAI's shape, as the bytes that the client gets, and what was learned of it. */
export interface ReadAnswer {
  readonly body: Uint8Array;
  /** Absent where no model answered. */
  readonly learned?: LearnedOfAnswer;
}

/** What the record of an exchange takes of an answer. */
export interface LearnedOfAnswer {
  readonly model: string;
  readonly stopReason: string;
  readonly usage?: AnswerTokens;
  readonly usageSource: UsageSource;
}

const NO_NAMES: ReadonlySet<string> = new Set();

function parseAnswer(json: Uint8Array, maxValues: number): unknown {
  const text = new TextDecoder().decode(json);
  const { values, isTooDeep } = outlineOf(text, NO_NAMES, maxValues);
  if (values > maxValues || isTooDeep) throw new FrontDoorError('upstream_invalid', 'The upstream gave an answer that holds too many values.');
  try {
    return parseJsonExactly(text);
  } catch (error) {
    throw new FrontDoorError('upstream_invalid', 'The upstream gave an answer that cannot be read.', { cause: error });
  }
}

function written(answer: unknown, { model, stopReason, usage }: { readonly model: string; readonly stopReason: string; readonly usage: UsageTally }): ReadAnswer {
  const counts = usage.counts();
  return { body: Buffer.from(JSON.stringify(answer)), learned: { model, stopReason, usageSource: usage.source(), ...(counts === undefined ? {} : { usage: counts }) } };
}

/** Translates a whole Messages answer into a chat completion from its bytes. Throws `upstream_invalid` when it is none. */
export function readAnswer(json: Uint8Array, plan: AnswerPlan): ReadAnswer {
  const translated = translateMessage(parseAnswer(json, plan.maxValues), plan);
  return written(translated.completion, translated);
}

/** Translates the answer of `count_tokens`. Throws `upstream_invalid` when it is none. */
export function readCountAnswer(json: Uint8Array, { maxValues }: ValueBound): ReadAnswer {
  const answer = parseAnswer(json, maxValues);
  const count = isJsonObject(answer) ? answer['input_tokens'] : undefined;
  if (!Number.isSafeInteger(count)) throw new FrontDoorError('upstream_invalid', 'The upstream gave an answer that cannot be read.');
  return { body: Buffer.from(JSON.stringify({ object: 'response.input_tokens', input_tokens: count })) };
}

/** Translates a whole Messages answer into a response from its bytes. */
export function readResponseAnswer(json: Uint8Array, plan: ResponseAnswerPlan): ReadAnswer {
  const translated = translateResponse(parseAnswer(json, plan.maxValues), plan);
  return written(translated.response, translated);
}
