import { invalidRequest } from '../http/api-error.ts';
import type { Answer } from '../http/answer.ts';
import type { Exchange } from '../http/exchange.ts';
import { isJsonObject, type JsonObject } from '../json.ts';

/** The body as a JSON object, or the 400 that the API answers. */
export function readJson(exchange: Exchange): { readonly ok: true; readonly value: JsonObject } | { readonly ok: false; readonly answer: Answer } {
  const refuse = (message: string): { readonly ok: false; readonly answer: Answer } => ({ ok: false, answer: invalidRequest(exchange.requestId, message) });
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(exchange.body);
  } catch {
    return refuse('The request body is not valid UTF-8');
  }
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? { ok: true, value } : refuse('Input should be a valid dictionary or object to extract fields from');
  } catch (error) {
    return refuse(`The request body is not valid JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}
