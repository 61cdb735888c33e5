import type { JsonObject } from '../json/json-value.ts';
import type { UsageTally } from '../messages-core/usage.ts';
import { invalidAnswer, readWholeMessage } from '../messages-core/whole-message.ts';
import { NO_EVENTS } from './response-events.ts';
import { ResponseWriter, type ResponseSettings } from './response-writer.ts';

/** A whole answer as a response, and what was learned of it. */
export interface TranslatedResponse {
  readonly response: JsonObject;
  readonly model: string;
  readonly stopReason: string;
  readonly usage: UsageTally;
}

/** Translates a whole Messages answer: what its stream would end with. Throws `upstream_invalid` when it is not one, or one that is not finished. */
export function translateResponse(message: unknown, settings: ResponseSettings): TranslatedResponse {
  const { id, model, stopReason, stopDetails, content, usage } = readWholeMessage(message);
  const writer = new ResponseWriter(settings, NO_EVENTS);
  writer.start(id, model);
  content.forEach((block, index) => {
    writer.blockStart(index, block);
    writer.blockStop(index);
  });
  writer.finish({ stopReason, stopDetails, usage });
  const response = writer.response();
  if (response === undefined) throw invalidAnswer();
  return { response, model, stopReason, usage };
}
