import { Buffer } from 'node:buffer';
import { FrontDoorError } from '../errors/front-door-error.ts';
import { outlineOf } from '../json/json-outline.ts';
import { parseJsonExactly } from '../json/parse-json.ts';
import type { AnswerTokens, UsageSource } from '../request-summary.ts';
import { translateMessage, type AnswerSettings } from '../chat/translate-message.ts';

/** What decides how a whole answer is read and written: data only. */
export interface AnswerPlan extends AnswerSettings {
  /** The most JSON values that the answer may hold. */
  readonly maxValues: number;
}

/** A whole answer in OpenAI's shape, as the bytes that the client gets, and what was learned of it. */
export interface ReadAnswer {
  readonly body: Uint8Array;
  readonly model: string;
  readonly stopReason: string;
  readonly usage: AnswerTokens | undefined;
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

/** Translates a whole Messages answer from its bytes. Throws `upstream_invalid` when it is none. */
export function readAnswer(json: Uint8Array, plan: AnswerPlan): ReadAnswer {
  const { completion, model, stopReason, usage } = translateMessage(parseAnswer(json, plan.maxValues), plan);
  return { body: Buffer.from(JSON.stringify(completion)), model, stopReason, usage: usage.counts(), usageSource: usage.source() };
}
