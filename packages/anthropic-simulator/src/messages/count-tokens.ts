import { isJsonObject, listOf, textOf, type JsonObject } from '../json.ts';

const CHARACTERS_PER_TOKEN = 3.6;
const TOKENS_PER_IMAGE = 1_568;
const TOKENS_PER_DOCUMENT = 2_048;
const TOKENS_PER_MESSAGE = 4;
const TOKENS_OF_TOOL_PROMPT = 346;

/** How many tokens a text stands for: an estimate, the same one everywhere. */
export function tokensOfText(text: string): number {
  return text === '' ? 0 : Math.max(1, Math.ceil(text.length / CHARACTERS_PER_TOKEN));
}

/** One segment of the prompt in cache order (tools, system, messages) with its tokens. */
export interface PromptSegment {
  readonly tokens: number;
  /** What the prompt cache compares. */
  readonly text: string;
  /** The lifetime that a `cache_control` on the segment asks for. */
  readonly breakpoint: '5m' | '1h' | undefined;
}

/** Splits a Messages request into segments whose tokens sum up to what `count_tokens` answers. */
export function promptSegments(request: JsonObject): PromptSegment[] {
  const tools = listOf(request['tools']).filter(isJsonObject);
  const segments = tools.map((tool, index) => segmentOf(tool, tokensOfText(JSON.stringify(withoutCacheControl(tool))) + (index === 0 ? TOKENS_OF_TOOL_PROMPT : 0)));
  const system = request['system'];
  if (typeof system === 'string') segments.push(segmentOf({ text: system }, tokensOfText(system)));
  else segments.push(...listOf(system).filter(isJsonObject).map((block) => segmentOf(block, tokensOfBlock(block))));
  for (const message of listOf(request['messages']).filter(isJsonObject)) segments.push(...messageSegments(message));
  const format = isJsonObject(request['output_config']) ? request['output_config']['format'] : undefined;
  if (format !== undefined) segments.push(segmentOf({}, tokensOfText(JSON.stringify(format))));
  return withAutomaticBreakpoint(segments, request['cache_control']);
}

/** The tokens of a whole Messages request: what `count_tokens` answers and what `usage` sums up to. */
export function countInputTokens(request: JsonObject): number {
  return promptSegments(request).reduce((sum, segment) => sum + segment.tokens, 3);
}

function messageSegments(message: JsonObject): PromptSegment[] {
  const content = message['content'];
  if (typeof content === 'string') return [segmentOf({ role: message['role'], text: content }, TOKENS_PER_MESSAGE + tokensOfText(content))];
  return listOf(content).filter(isJsonObject).map((block, index) =>
    segmentOf({ role: message['role'], ...block }, tokensOfBlock(block) + (index === 0 ? TOKENS_PER_MESSAGE : 0)));
}

function tokensOfBlock(block: JsonObject): number {
  switch (block['type']) {
    case 'text': return tokensOfText(textOf(block['text']));
    case 'image': return TOKENS_PER_IMAGE;
    case 'document': return TOKENS_PER_DOCUMENT;
    case 'tool_result': return tokensOfToolResult(block['content']);
    default: return tokensOfText(JSON.stringify(withoutCacheControl(block)));
  }
}

function tokensOfToolResult(content: unknown): number {
  if (typeof content === 'string') return tokensOfText(content) + TOKENS_PER_MESSAGE;
  return listOf(content).filter(isJsonObject).reduce((sum, block) => sum + tokensOfBlock(block), TOKENS_PER_MESSAGE);
}

function segmentOf(block: JsonObject, tokens: number): PromptSegment {
  const control = block['cache_control'];
  const breakpoint = isJsonObject(control) ? (control['ttl'] === '1h' ? '1h' : '5m') : undefined;
  return { tokens, text: JSON.stringify(withoutCacheControl(block)), breakpoint };
}

/** A top-level `cache_control` puts the breakpoint on the last segment. */
function withAutomaticBreakpoint(segments: PromptSegment[], control: unknown): PromptSegment[] {
  const last = segments.at(-1);
  if (!isJsonObject(control) || last === undefined) return segments;
  return [...segments.slice(0, -1), { ...last, breakpoint: control['ttl'] === '1h' ? '1h' : '5m' }];
}

function withoutCacheControl(block: JsonObject): JsonObject {
  const { cache_control: _dropped, ...rest } = block;
  return rest;
}
