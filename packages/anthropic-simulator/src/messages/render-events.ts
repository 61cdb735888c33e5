import { textOf, type JsonObject } from '../json.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { tokensOfText } from './count-tokens.ts';
import type { MessagePlan, PlannedBlock } from './message-plan.ts';
import { deltaUsage, startUsage, type MessageIdentity } from './render-message.ts';

/** One event of a stream and how many tokens of work stand before it. */
export interface StreamEvent {
  readonly bytes: Uint8Array;
  readonly tokens: number;
}

/** The API's spelling of a ping: unpadded, with a space after the colon. */
export const PING_EVENT: Uint8Array = Buffer.from('event: ping\ndata: {"type": "ping"}\n\n');

const MAX_PADDING = 15;

/** The bytes of one event: one `data:` line, LF only, its JSON padded with spaces before the last brace as the API does. */
export function encodeEvent(payload: JsonObject, random: SeededRandom | undefined): Uint8Array {
  const json = JSON.stringify(payload);
  const padding = random === undefined ? '' : ' '.repeat(random.integer(MAX_PADDING + 1));
  return Buffer.from(`event: ${textOf(payload['type'])}\ndata: ${json.slice(0, -1)}${padding}}\n\n`);
}

/** The events of a streamed answer, made one at a time so that a long one never exists as a whole. */
export function* renderEvents(plan: MessagePlan, identity: MessageIdentity, random: SeededRandom, requestId: string): Generator<StreamEvent> {
  let count = 0;
  for (const event of grammar(plan, identity, random)) {
    if (plan.errorAfterEvents === count) {
      yield { bytes: encodeEvent(overloadedEvent(requestId), undefined), tokens: 0 };
      return;
    }
    const extra = plan.extraEvents?.get(count);
    if (extra !== undefined) yield { bytes: encodeEvent(extra, random), tokens: 0 };
    count += 1;
    yield event;
  }
}

function* grammar(plan: MessagePlan, identity: MessageIdentity, random: SeededRandom): Generator<StreamEvent> {
  const event = (payload: JsonObject, tokens = 0): StreamEvent => ({ bytes: encodeEvent(payload, random), tokens });
  const firstTokens = Math.min(plan.outputTokens, 1 + random.integer(8));
  yield event({
    type: 'message_start',
    message: {
      model: identity.model, id: identity.id, type: 'message', role: 'assistant', content: [],
      stop_reason: null, stop_sequence: null, stop_details: null, usage: startUsage(identity, firstTokens),
    },
  });
  if (plan.blocks.length === 0) yield { bytes: PING_EVENT, tokens: 0 };
  for (const [index, planned] of plan.blocks.entries()) {
    yield event({ type: 'content_block_start', index, content_block: startOf(planned) }, 1);
    if (index === 0) yield { bytes: PING_EVENT, tokens: 0 };
    for (const delta of deltasOf(planned)) yield event({ type: 'content_block_delta', index, delta }, tokensOfDelta(delta));
    yield event({ type: 'content_block_stop', index });
  }
  yield event({
    type: 'message_delta',
    delta: {
      stop_reason: plan.stopReason, stop_sequence: plan.stopSequence ?? null, stop_details: plan.stopDetails ?? null,
      ...plan.container === undefined ? {} : { container: plan.container },
    },
    usage: deltaUsage(plan, identity),
    ...plan.contextManagement === undefined ? {} : { context_management: plan.contextManagement },
  });
  yield event({ type: 'message_stop' });
}

/** The block as `content_block_start` shows it: complete if it has no deltas, else with its growing member empty. */
function startOf(planned: PlannedBlock): JsonObject {
  const { block } = planned;
  if (planned.pieces === undefined) return block;
  switch (block['type']) {
    case 'text': return planned.citations === undefined ? { type: 'text', text: '' } : { citations: [], type: 'text', text: '' };
    case 'thinking': return { type: 'thinking', thinking: '', signature: '' };
    case 'compaction': return { ...block, content: null };
    default: return { ...block, input: {} };
  }
}

function* deltasOf(planned: PlannedBlock): Generator<JsonObject> {
  const { block, pieces = [] } = planned;
  for (const citation of planned.citations ?? []) yield { type: 'citations_delta', citation };
  for (const piece of pieces) yield deltaOf(textOf(block['type']), piece);
  if (block['type'] === 'thinking') yield { type: 'signature_delta', signature: block['signature'] };
}

function deltaOf(blockType: string, piece: string): JsonObject {
  switch (blockType) {
    case 'text': return { type: 'text_delta', text: piece };
    case 'thinking': return { type: 'thinking_delta', thinking: piece };
    case 'compaction': return { type: 'compaction_delta', content: piece };
    default: return { type: 'input_json_delta', partial_json: piece };
  }
}

function tokensOfDelta(delta: JsonObject): number {
  return tokensOfText(textOf(delta['text']) + textOf(delta['thinking']) + textOf(delta['partial_json']) + textOf(delta['content']));
}

function overloadedEvent(requestId: string): JsonObject {
  return { type: 'error', error: { details: null, type: 'overloaded_error', message: 'Overloaded' }, request_id: requestId };
}
