import { Buffer } from 'node:buffer';
import type { Answer, HeaderField } from '../http/answer.ts';
import { isJsonObject, textOf, type JsonObject } from '../json.ts';

/** What the shape of a cloud's answer depends on beside the answer. */
export interface ShapeContext {
  readonly requestId: string;
  readonly date: string;
}

/** The content type of an answer of the API. */
export function contentTypeOf({ headers }: Answer): string {
  return headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
}

/** The message of an error of the API. */
export function errorMessageOf({ body }: Answer): string {
  const value: unknown = JSON.parse(Buffer.concat(Array.from(body, ({ bytes }) => bytes)).toString('utf8'));
  return isJsonObject(value) && isJsonObject(value['error']) ? textOf(value['error']['message']) : '';
}

/** The data of one event as the API writes it, which is one line. */
export function readTextEvent(bytes: Uint8Array): JsonObject {
  const text = Buffer.from(bytes).toString('utf8');
  const value: unknown = JSON.parse(text.slice(text.indexOf('\ndata: ') + '\ndata: '.length));
  return isJsonObject(value) ? value : {};
}

/** A cloud's answer has the cloud's header fields and no others. */
export function verbatim(answer: Answer, headers: readonly HeaderField[]): Answer {
  return { ...answer, headers, headerFamily: 'verbatim', isCompressible: false };
}
