import { Buffer } from 'node:buffer';
import { FrontDoorError } from '../errors/front-door-error.ts';
import type { OpenAiErrorBody } from '../errors/openai-error-body.ts';
import type { JsonObject } from '../json/json-value.ts';
import { stringifyExactly } from '../json/parse-json.ts';
import { stringOf, type AnswerEnd, type AnswerWriter } from '../messages-core/messages-stream.ts';
import { servedTier } from '../messages-core/service-tier.ts';
import { CUT_STOP_REASONS, refusalExplanation } from '../messages-core/stop-reason.ts';
import type { UsageTally } from '../messages-core/usage.ts';
import { BlockCitations, WEB_SEARCH } from '../messages-core/web-search.ts';
import { failureCode } from './failure-code.ts';
import { beginCall, beginMessage, beginReasoning, type BegunItem, type ItemPlace, type ItemStatus, type OpenItem, type OpenMessage } from './open-items.ts';
import { beginSealed, beginSearch, type OpenSearch } from './open-search.ts';
import type { ResponseEvents } from './response-events.ts';
import { responseObject, type ResponseIdentity, type ResponseState } from './response-object.ts';
import type { ToolNames } from './tool-names.ts';
import type { ResponseEcho } from './translate-response-request.ts';

/** How a response is to be written. */
export interface ResponseSettings {
  readonly names: ToolNames;
  readonly echo: ResponseEcho;
  /** Unix seconds. */
  readonly created: number;
  /** What may be kept of the answer: its last event repeats all of it. */
  readonly maxBytes: number;
}

/** What an item counts for besides its text: it takes memory, too. */
const ITEM_BYTES = 256;

const bytesOf = (block: JsonObject): number => Buffer.byteLength(stringifyExactly(block));

/** The refusal's own words where the upstream gives none. */
const DECLINED = 'The model declined to answer this request.';

interface Open {
  readonly item: OpenItem;
  readonly message?: OpenMessage;
  readonly search?: OpenSearch;
  /** The upstream's index of the block that is being written into it. */
  blockIndex: number;
}

function messageItem(begun: ReturnType<typeof beginMessage>): BegunItem & Omit<Open, 'blockIndex'> {
  return { ...begun, message: begun.item };
}

function searchItem(begun: ReturnType<typeof beginSearch>): BegunItem & Omit<Open, 'blockIndex'> {
  return { ...begun, search: begun.item };
}

/** Writes one answer of the upstream as a response. Texts that follow one another are one message; the last item stays open until it is known how the answer ended. */
export class ResponseWriter implements AnswerWriter {
  readonly #settings: ResponseSettings;
  readonly #events: ResponseEvents;
  readonly #output: JsonObject[] = [];
  #identity: ResponseIdentity;
  #open: Open | undefined;
  #keptBytes = 0;
  readonly #citations = new BlockCitations();
  #final: JsonObject | undefined;

  constructor(settings: ResponseSettings, events: ResponseEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#identity = { id: 'resp_0', model: '', created: settings.created, echo: settings.echo };
  }

  /** The response as the last event has it. */
  response(): JsonObject | undefined {
    return this.#final;
  }

  start(id: string, model: string): string {
    this.#identity = { ...this.#identity, id: `resp_${id.replace(/^msg_/, '')}`, model };
    const response = responseObject(this.#identity, { status: 'in_progress', output: [] });
    return this.#events.frame('response.created', { response }) + this.#events.frame('response.in_progress', { response });
  }

  blockStart(index: number, block: JsonObject): string {
    switch (block['type']) {
      case 'text':
        this.#citations.takeAll(block['citations']);
        return this.#text(index, block);
      case 'thinking':
      case 'redacted_thinking': return this.#begin(index, 'rs', (place) => beginReasoning(place, block), bytesOf(block));
      case 'tool_use': return this.#call(index, block);
      case 'server_tool_use': return block['name'] === WEB_SEARCH ? this.#search(index, block) : '';
      case 'web_search_tool_result': return this.#found(index, block);
      // Blocks of other server tools and of features to come carry nothing that this protocol can say.
      default: return '';
    }
  }

  blockDelta(index: number, delta: JsonObject): string {
    if (delta['type'] === 'text_delta') return this.#text(index, delta);
    if (delta['type'] === 'citations_delta') this.#citations.take(delta['citation']);
    return this.#open?.blockIndex === index ? this.#open.item.append(delta) : '';
  }

  /** What ends an item is written when the next one begins, or the answer ends: until then it may be cut. Citations are of a block, and written here. */
  blockStop(index: number): string {
    const places = this.#citations.drain();
    return places.length > 0 && this.#open?.blockIndex === index ? this.#open.message?.annotate(places) ?? '' : '';
  }

  finish({ stopReason, stopDetails, usage }: AnswerEnd): string {
    const isCut = CUT_STOP_REASONS.has(stopReason);
    const isRefused = stopReason === 'refusal';
    const frames = this.#close(isCut || isRefused ? 'incomplete' : 'completed') + (isRefused ? this.#refuse(stopDetails) : this.#sayNothing(isCut));
    const state: ResponseState = { status: isCut ? 'incomplete' : 'completed', output: this.#output, usage: usage.openAiUsage(), serviceTier: servedTier(usage), ...(isCut ? { incompleteReason: 'max_output_tokens' } : {}) };
    return frames + this.#end(state);
  }

  fail(error: OpenAiErrorBody['error'], usage: UsageTally): string {
    const failed = { code: failureCode(error), message: error.message };
    // An item that is still open is left out: half a call must not be run.
    const frames = this.#end({ status: 'failed', output: this.#output, error: failed, ...(usage.source() === 'missing' ? {} : { usage: usage.openAiUsage() }) });
    // LangChain and others pass `response.failed` over, and would take the answer for whole: the `openai` packages throw at this event, the one by `error`, the other by its name.
    const { type, param } = error;
    return frames + this.#events.frame('error', { ...failed, param, error: { type, ...failed, param } });
  }

  #end(state: ResponseState): string {
    this.#final = responseObject(this.#identity, state);
    return this.#events.frame(`response.${state.status}`, { response: this.#final });
  }

  /** A text begins a message with its first character: a block without one is none. */
  #text(index: number, delta: JsonObject): string {
    if (delta['text'] === '' || delta['text'] === undefined) return '';
    stringOf(delta, 'text');
    const frames = this.#open?.message === undefined ? this.#begin(index, 'msg', (place) => messageItem(beginMessage(place))) : '';
    if (this.#open !== undefined && (this.#open.blockIndex !== index || frames !== '')) {
      this.#open.blockIndex = index;
      this.#open.message?.markBlock();
    }
    return frames + (this.#open?.item.append(delta) ?? '');
  }

  /** What a search found ends it, and is sealed behind it. */
  #found(index: number, block: JsonObject): string {
    const search = this.#open?.search;
    // Never what another search found: it would go back upstream as the answer to this one.
    if (search === undefined || block['tool_use_id'] !== search.callId) return '';
    search.found(block);
    const sealed = search.sealed();
    return sealed === undefined ? '' : this.#begin(index, 'rs', (place) => beginSealed(place, sealed), sealed.length);
  }

  #search(index: number, block: JsonObject): string {
    this.#grow(bytesOf(block));
    return this.#begin(index, 'ws', (place) => searchItem(beginSearch(place, block)));
  }

  #call(index: number, block: JsonObject): string {
    const name = stringOf(block, 'name');
    const { names } = this.#settings;
    const tool = (Object.hasOwn(names, name) ? names[name] : undefined) ?? { name, isCustom: false };
    const callId = stringOf(block, 'id');
    // Names, and an input that comes whole with the start.
    this.#grow(bytesOf(block));
    return this.#begin(index, tool.isCustom ? 'ctc' : 'fc', (place) => beginCall(place, { callId, tool }, block['input']));
  }

  /** Ends the open item and begins the next one, of which `coming` bytes are kept from the start: where they are too many, nothing is ended. */
  #begin(blockIndex: number, kind: string, begin: (place: ItemPlace) => BegunItem & Omit<Open, 'blockIndex'>, coming = 0): string {
    this.#grow(ITEM_BYTES + this.#identity.id.length);
    this.#checkRoom(coming);
    const closed = this.#close('completed');
    const outputIndex = this.#output.length;
    const id = `${kind}_${this.#identity.id.slice('resp_'.length)}_${outputIndex}`;
    const { frames, ...opened } = begin({ id, outputIndex, events: this.#events, grow: (bytes) => { this.#grow(bytes); } });
    this.#open = { ...opened, blockIndex };
    return closed + frames;
  }

  #close(status: ItemStatus): string {
    if (this.#open === undefined) return '';
    const { frames, item } = this.#open.item.close(status);
    this.#open = undefined;
    this.#output.push(item);
    return frames;
  }

  /** A refusal ends a response that is complete: clients repeat one that is not, and it would be billed each time. */
  #refuse(stopDetails: unknown): string {
    const text = refusalExplanation(stopDetails) ?? DECLINED;
    return this.#begin(-1, 'msg', (place) => beginMessage(place, 'refusal')) + (this.#open?.item.append({ text }) ?? '') + this.#close('completed');
  }

  /** An answer without anything is an empty message: some clients ask again for one without an item. */
  #sayNothing(isCut: boolean): string {
    if (isCut || this.#output.some(({ type }) => type !== 'reasoning')) return '';
    return this.#begin(-1, 'msg', (place) => beginMessage(place)) + this.#close('completed');
  }

  #grow(bytes: number): void {
    this.#keptBytes += bytes;
    this.#checkRoom(0);
  }

  #checkRoom(bytes: number): void {
    if (this.#keptBytes + bytes > this.#settings.maxBytes) throw new FrontDoorError('upstream_invalid', 'The upstream gave an answer that is too large.');
  }
}
