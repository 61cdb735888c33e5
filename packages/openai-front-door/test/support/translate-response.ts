import { FrontDoorError, type TranslationSettings } from '../../src/index.ts';
import { parseJsonRequest } from '../../src/json/parse-json-request.ts';
import { translateResponseRequest, type TranslatedResponseRequest } from '../../src/responses/translate-response-request.ts';
import { settings } from './translate.ts';

/** A request that was translated, its body parsed. */
export interface TestedResponseRequest extends Omit<TranslatedResponseRequest, 'body'> {
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** Translates a Responses request of the given fields; the input is a greeting unless given. The body goes through the same parser as on the wire. */
export function translateResponses(fields: Record<string, unknown>, given: Partial<TranslationSettings> = {}): TestedResponseRequest {
  const bytes = Buffer.from(JSON.stringify({ model: 'claude-test', input: 'Hello', ...fields }));
  const { body, ...rest } = translateResponseRequest(parseJsonRequest(bytes), settings(given));
  return { ...rest, text: body, body: JSON.parse(body) as Readonly<Record<string, unknown>> };
}

/** The error that a Responses request is refused with. */
export function responseRefusal(fields: Record<string, unknown>, given: Partial<TranslationSettings> = {}): FrontDoorError {
  try {
    translateResponses(fields, given);
  } catch (error) {
    if (error instanceof FrontDoorError) return error;
    throw error;
  }
  throw new Error('the request was not refused');
}
