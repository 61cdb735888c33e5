import { Buffer } from 'node:buffer';
import { isJsonObject, type JsonObject } from '../json/json-value.ts';
import { stringifyExactly } from '../json/parse-json.ts';
import { TextPieces } from '../messages-core/text-pieces.ts';
import type { UrlCitation } from '../messages-core/web-search.ts';
import { placeOf, type ResponseEvents } from './response-events.ts';
import { sealThinking } from './sealed-blocks.ts';
import { CUSTOM_INPUT, type ToolName } from './tool-names.ts';

/** How an item ended. */
export type ItemStatus = 'completed' | 'incomplete';

/** An item that is being written. */
export interface OpenItem {
  /** Takes a delta of the upstream's; gives its frames. */
  append(delta: JsonObject): string;
  /** Ends the item: its last frames, and the item as it stands in the output. */
  close(status: ItemStatus): { readonly frames: string; readonly item: JsonObject };
}

/** Where an item stands, and how its events are written. */
export interface ItemPlace {
  readonly id: string;
  readonly outputIndex: number;
  readonly events: ResponseEvents;
  /** Counts what is kept, and throws when it is too much. */
  readonly grow: (bytes: number) => void;
}

/** An item and the frame that announces it. */
export interface BegunItem {
  readonly frames: string;
  readonly item: OpenItem;
}

function added({ events, outputIndex }: ItemPlace, item: JsonObject): string {
  return events.frame('response.output_item.added', { output_index: outputIndex, item });
}

function done({ events, outputIndex }: ItemPlace, item: JsonObject): string {
  return events.frame('response.output_item.done', { output_index: outputIndex, item });
}

function textOf(delta: JsonObject, name: string): string {
  const text = delta[name];
  return typeof text === 'string' ? text : '';
}

/** What an annotation counts for besides its texts. */
const ANNOTATION_BYTES = 128;

/** A message, whose texts may be cited. */
export interface OpenMessage extends OpenItem {
  /** A block of the upstream's begins: what is cited next is its text. */
  markBlock(): void;
  /** The text since the mark was taken from these places. */
  annotate(places: readonly UrlCitation[]): string;
}

/** A message with one text, or with one refusal. */
export function beginMessage(place: ItemPlace, kind: 'output_text' | 'refusal' = 'output_text'): BegunItem & { readonly item: OpenMessage } {
  const { id, outputIndex, events, grow } = place;
  const text = new TextPieces();
  const at = { item_id: id, output_index: outputIndex, content_index: 0 };
  const isText = kind === 'output_text';
  const annotations: JsonObject[] = [];
  let markedAt = 0;
  const part = (written: string): JsonObject => (isText ? { type: kind, text: written, annotations: [...annotations], logprobs: [] } : { type: kind, refusal: written });
  const deltaPlace = placeOf(isText ? { ...at, logprobs: [] } : at);
  const message = (status: string, content: readonly JsonObject[]): JsonObject => ({ type: 'message', id, status, role: 'assistant', content });
  return {
    frames: added(place, message('in_progress', [])) + events.frame('response.content_part.added', { ...at, part: part('') }),
    item: {
      append: (delta) => {
        const written = textOf(delta, 'text');
        if (written === '') return '';
        grow(Buffer.byteLength(written));
        text.append(written);
        return events.delta(`response.${kind}.delta`, deltaPlace, written);
      },
      markBlock: () => { markedAt = text.length; },
      annotate: (places) => places.map(({ url, title }) => {
        grow(url.length + title.length + ANNOTATION_BYTES);
        const annotation = { type: 'url_citation', url, title, start_index: markedAt, end_index: text.length };
        annotations.push(annotation);
        return events.frame('response.output_text.annotation.added', { ...at, annotation_index: annotations.length - 1, annotation });
      }).join(''),
      close: (status) => {
        const written = text.toString();
        const item = message(status, [part(written)]);
        const frames = events.frame(`response.${kind}.done`, isText ? { ...at, text: written, logprobs: [] } : { ...at, refusal: written })
          + events.frame('response.content_part.done', { ...at, part: part(written) })
          + done(place, item);
        return { frames, item };
      },
    },
  };
}

/** A reasoning item: the thinking that is shown is its summary, the whole block its sealed content. */
export function beginReasoning(place: ItemPlace, block: JsonObject): BegunItem {
  const { id, outputIndex, events, grow } = place;
  const text = new TextPieces();
  const signature = new TextPieces();
  const at = { item_id: id, output_index: outputIndex, summary_index: 0 };
  const deltaPlace = placeOf(at);
  const data = block['type'] === 'redacted_thinking' ? textOf(block, 'data') : undefined;
  if (data !== undefined) grow(Buffer.byteLength(data));
  const take = (delta: JsonObject): string => {
    const signed = textOf(delta, 'signature');
    grow(signed.length);
    signature.append(signed);
    const written = textOf(delta, 'thinking');
    if (written === '') return '';
    grow(Buffer.byteLength(written));
    const begins = text.length === 0 ? events.frame('response.reasoning_summary_part.added', { ...at, part: { type: 'summary_text', text: '' } }) : '';
    text.append(written);
    return begins + events.delta('response.reasoning_summary_text.delta', deltaPlace, written);
  };
  return {
    frames: added(place, { type: 'reasoning', id, summary: [] }) + take(block),
    item: {
      append: take,
      close: () => {
        const thinking = text.toString();
        const part = { type: 'summary_text', text: thinking };
        const sealed = sealThinking(data === undefined ? { thinking, signature: signature.toString() } : { data });
        const item = { type: 'reasoning', id, summary: thinking === '' ? [] : [part], ...(sealed === undefined ? {} : { encrypted_content: sealed }) };
        const ended = thinking === '' ? '' : events.frame('response.reasoning_summary_text.done', { ...at, text: thinking })
          + events.frame('response.reasoning_summary_part.done', { ...at, part });
        return { frames: ended + done(place, item), item };
      },
    },
  };
}

/** What a call is known by: the upstream's id, and the name that the client gave the tool. */
export interface CallIdentity {
  readonly callId: string;
  readonly tool: ToolName;
}

/** The text of a custom tool's input; of one that was cut, or is no such object, the JSON as it came. */
function customText(json: string): string {
  try {
    const input: unknown = JSON.parse(json);
    if (isJsonObject(input) && typeof input[CUSTOM_INPUT] === 'string') return input[CUSTOM_INPUT];
  } catch {
    // Cut at the output bound.
  }
  return json;
}

/** A call of a function, whose arguments are streamed, or of a custom tool, whose text is in them. */
export function beginCall(place: ItemPlace, { callId, tool }: CallIdentity, whole: unknown): BegunItem {
  const { id, outputIndex, events, grow } = place;
  const json = new TextPieces();
  const at = { item_id: id, output_index: outputIndex };
  const deltaPlace = placeOf(at);
  const [type, member, prefix] = tool.isCustom
    ? ['custom_tool_call', 'input', 'response.custom_tool_call_input'] as const
    : ['function_call', 'arguments', 'response.function_call_arguments'] as const;
  const namespace = tool.namespace === undefined ? {} : { namespace: tool.namespace };
  const call = (status: string, text: string): JsonObject => ({ type, id, call_id: callId, name: tool.name, ...namespace, [member]: text, status });
  const deltaOf = (text: string): string => events.delta(`${prefix}.delta`, deltaPlace, text);
  return {
    frames: added(place, call('in_progress', '')),
    item: {
      append: (delta) => {
        const written = textOf(delta, 'partial_json');
        if (written === '') return '';
        grow(Buffer.byteLength(written));
        json.append(written);
        return tool.isCustom ? '' : deltaOf(written);
      },
      close: (status) => {
        // No arguments at all must still be JSON: `{}`, or what came whole with the start.
        const isWhole = json.length === 0;
        const text = isWhole ? stringifyExactly(isJsonObject(whole) ? whole : {}) : json.toString();
        const given = tool.isCustom ? customText(text) : text;
        const item = call(status, given);
        const frames = (tool.isCustom || isWhole ? deltaOf(given) : '')
          + events.frame(`${prefix}.done`, { ...at, ...(tool.isCustom ? {} : { name: tool.name }), [member]: given })
          + done(place, item);
        return { frames, item };
      },
    },
  };
}
