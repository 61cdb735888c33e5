import { member, type JsonObject } from '../json/json-value.ts';
import { stringifyExactly } from '../json/parse-json.ts';
import { hasText } from '../messages-core/content-parts.ts';
import { servedTier } from '../messages-core/service-tier.ts';
import { refusalExplanation } from '../messages-core/stop-reason.ts';
import type { UsageTally } from '../messages-core/usage.ts';
import { BlockCitations, type UrlCitation } from '../messages-core/web-search.ts';
import { blockText, invalidAnswer, readWholeMessage } from '../messages-core/whole-message.ts';
import { mapFinishReason } from './finish-reason.ts';
import { thinkingIndex, type ThinkingPlace } from './thinking-place.ts';

/** How an answer is to be written. */
export interface AnswerSettings {
  readonly wantsReasoning: boolean;
  readonly usesLegacyFunctions: boolean;
  /** Unix seconds. */
  readonly created: number;
}

/** A whole answer in OpenAI's shape, and what was learned of it. */
export interface TranslatedMessage {
  readonly completion: JsonObject;
  readonly model: string;
  readonly stopReason: string;
  readonly usage: UsageTally;
}

interface PlacedThinking {
  readonly place: ThinkingPlace;
  readonly block: JsonObject;
}

interface Gathered {
  text: string;
  readonly annotations: JsonObject[];
  reasoning: string;
  readonly calls: JsonObject[];
  readonly thinking: PlacedThinking[];
}

/** The citations of a text, between its first character and the one behind its last, counted in UTF-16 as JavaScript does. */
export function urlAnnotations(places: readonly UrlCitation[], start: number, end: number): readonly JsonObject[] {
  return places.map(({ url, title }) => ({ type: 'url_citation', url_citation: { url, title, start_index: start, end_index: end } }));
}

function addText(gathered: Gathered, block: JsonObject): void {
  const citations = new BlockCitations();
  const start = gathered.text.length;
  gathered.text += blockText(block, 'text');
  citations.takeAll(block['citations']);
  gathered.annotations.push(...urlAnnotations(citations.drain(), start, gathered.text.length));
}

function gather(blocks: readonly JsonObject[]): Gathered {
  const gathered: Gathered = { text: '', annotations: [], reasoning: '', calls: [], thinking: [] };
  const keep = (block: JsonObject): void => {
    const { text, calls, thinking } = gathered;
    thinking.push({ block, place: { blocksBefore: thinking.length + calls.length, isAfterTool: calls.length > 0, isAfterText: hasText(text) } });
  };
  for (const block of blocks) {
    switch (block['type']) {
      case 'text':
        addText(gathered, block);
        break;
      case 'tool_use':
        if (typeof block['id'] !== 'string' || typeof block['name'] !== 'string') throw invalidAnswer();
        gathered.calls.push({ id: block['id'], type: 'function', function: { name: block['name'], arguments: stringifyExactly(member(block, 'input') ?? {}) } });
        break;
      case 'thinking':
        gathered.reasoning += blockText(block, 'thinking');
        keep({ type: 'thinking', thinking: blockText(block, 'thinking'), signature: blockText(block, 'signature') });
        break;
      case 'redacted_thinking':
        keep({ type: 'redacted_thinking', data: blockText(block, 'data') });
        break;
      default:
        // Blocks of server tools and of features to come carry nothing that this protocol can say.
        break;
    }
  }
  return gathered;
}

/** The words of a refusal, where the upstream gives any. */
export function refusalText(stopReason: unknown, stopDetails: unknown): string | null {
  return stopReason === 'refusal' ? refusalExplanation(stopDetails) ?? null : null;
}

function assistantMessage(gathered: Gathered, refusal: string | null, settings: AnswerSettings): JsonObject {
  const [firstCall] = gathered.calls;
  const calls = firstCall === undefined ? {}
    : settings.usesLegacyFunctions ? { function_call: firstCall['function'] } : { tool_calls: gathered.calls };
  const blocks = gathered.thinking.map(({ place, block }) => ({ index: thinkingIndex(place, hasText(gathered.text)), ...block }));
  const reasoning = settings.wantsReasoning && blocks.length > 0 ? { reasoning_content: gathered.reasoning, thinking_blocks: blocks } : {};
  return { role: 'assistant', content: gathered.text === '' && firstCall !== undefined ? null : gathered.text, refusal, ...(gathered.annotations.length === 0 ? {} : { annotations: gathered.annotations }), ...reasoning, ...calls };
}

/** Translates a whole Messages answer. Throws `upstream_invalid` when it is not one. */
export function translateMessage(message: unknown, settings: AnswerSettings): TranslatedMessage {
  const { id, model, stopReason, stopDetails, content, usage } = readWholeMessage(message);
  const tier = servedTier(usage);
  const completion = {
    id,
    object: 'chat.completion',
    created: settings.created,
    model,
    choices: [{
      index: 0,
      message: assistantMessage(gather(content), refusalText(stopReason, stopDetails), settings),
      logprobs: null,
      ...mapFinishReason(stopReason, settings.usesLegacyFunctions),
    }],
    usage: usage.openAiUsage(),
    ...(tier === undefined ? {} : { service_tier: tier }),
  };
  return { completion, model, stopReason, usage };
}
