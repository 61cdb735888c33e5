import { FrontDoorError } from '../errors/front-door-error.ts';
import { isJsonObject, member, type JsonObject } from '../json/json-value.ts';
import { createUsageTally, type UsageTally } from './usage.ts';

/** A Messages answer that came in one piece. */
export interface WholeMessage {
  readonly id: string;
  readonly model: string;
  readonly stopReason: string;
  /** As it came. */
  readonly stopDetails: unknown;
  readonly content: readonly JsonObject[];
  readonly usage: UsageTally;
}

/** The error for an answer that is none. */
export function invalidAnswer(): FrontDoorError {
  return new FrontDoorError('upstream_invalid', 'The upstream gave an answer that cannot be read.');
}

/** A member of a block that is a text; empty where it is absent. */
export function blockText(block: JsonObject, name: string): string {
  const text = member(block, name) ?? '';
  if (typeof text !== 'string') throw invalidAnswer();
  return text;
}

/** Reads a whole answer. Throws `upstream_invalid` when it is none. */
export function readWholeMessage(message: unknown): WholeMessage {
  if (!isJsonObject(message) || message['type'] !== 'message' || !Array.isArray(message['content'])) throw invalidAnswer();
  const { id, model, stop_reason: stopReason } = message;
  if (typeof id !== 'string' || typeof model !== 'string' || typeof stopReason !== 'string') throw invalidAnswer();
  const content: readonly unknown[] = message['content'];
  if (!content.every(isJsonObject)) throw invalidAnswer();
  const usage = createUsageTally();
  usage.update(message['usage'], true);
  return { id, model, stopReason, stopDetails: message['stop_details'], content, usage };
}
