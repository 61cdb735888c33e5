import { invalidType, invalidValue, isJsonObject, member, requireArray, requireObject, requireString, unsupported, type JsonObject } from '../json/json-value.ts';
import { documentBlock, mediaBlock, sourceBlock } from './media-source.ts';
import type { TranslationScope } from './translation-scope.ts';

/** Whether a text may be sent: the upstream refuses blocks without a visible character. */
export function hasText(text: string): boolean {
  return text.trim() !== '';
}

const IMAGE_MEMBERS: ReadonlySet<string> = new Set(['url', 'detail']);
const FILE_MEMBERS: ReadonlySet<string> = new Set(['file_id', 'file_data', 'filename']);
/** Members of a file of the Responses API; how much of its pages is looked at has no counterpart, and is reported. */
const FLAT_FILE_MEMBERS: readonly string[] = [...FILE_MEMBERS, 'file_url'];
const LONGEST_TITLE = 500;
const NO_MEMBERS: ReadonlySet<string> = new Set();

function textBlocks(text: string, part: JsonObject, param: string, scope: TranslationScope): readonly JsonObject[] {
  return hasText(text) ? [{ type: 'text', text, ...scope.cacheControl(part, param) }] : [];
}

function imageBlocks(part: JsonObject, param: string, scope: TranslationScope): readonly JsonObject[] {
  const image = member(part, 'image_url');
  if (image === undefined && member(part, 'file_id') !== undefined) throw unsupported(`${param}.file_id`, 'uploaded files are not available here; send image_url');
  // Some clients send the URL itself instead of the object that holds it, as the Responses API has it, with the detail beside it.
  const url = isJsonObject(image) ? image['url'] : image;
  const detail = member(isJsonObject(image) ? image : part, 'detail');
  if (isJsonObject(image)) scope.ignoreOthers(image, IMAGE_MEMBERS, `${scope.names.turns}.image_url`);
  if (detail !== undefined && detail !== 'auto') scope.ignore(`${scope.names.turns}.image_url.detail`);
  const place = part['type'] === 'input_image' && !isJsonObject(image) ? `${param}.image_url` : `${param}.image_url.url`;
  return [{ ...mediaBlock(requireString(url, place), place), ...scope.cacheControl(part, param) }];
}

/** An image as Anthropic writes it. */
function sourceBlocks(part: JsonObject, param: string, scope: TranslationScope): readonly JsonObject[] {
  return [{ ...sourceBlock(requireObject(part['source'], `${param}.source`), `${param}.source`), ...scope.cacheControl(part, param) }];
}

function fileBlocks(part: JsonObject, param: string, scope: TranslationScope): readonly JsonObject[] {
  // Of a part of the Responses API the members of the file are its own.
  const isFlat = part['type'] === 'input_file';
  const file = isFlat ? part : requireObject(member(part, 'file'), `${param}.file`);
  const place = isFlat ? param : `${param}.file`;
  if (!isFlat) scope.ignoreOthers(file, FILE_MEMBERS, `${scope.names.turns}.file`);
  if (member(file, 'file_id') !== undefined) throw unsupported(`${place}.file_id`, 'uploaded files are not available here; send file_data');
  const name = isFlat && member(file, 'file_data') === undefined && member(file, 'file_url') !== undefined ? 'file_url' : 'file_data';
  const block = documentBlock(requireString(member(file, name), `${place}.${name}`), `${place}.${name}`);
  const title = member(file, 'filename');
  if (title !== undefined && typeof title !== 'string') throw invalidType(`${place}.filename`, 'a string', title);
  const isTitle = block['type'] === 'document' && title !== undefined && hasText(title) && title.length <= LONGEST_TITLE;
  if (title !== undefined && !isTitle) scope.ignore(`${scope.names.turns}.file.filename`);
  const named = isTitle ? { title } : {};
  return [{ ...block, ...named, ...scope.cacheControl(part, param) }];
}

/** What a message may hold. */
export type PartKind = 'text' | 'refusal' | 'image_url' | 'file' | 'thinking';

interface PartRule {
  readonly kind: PartKind;
  /** The members it may have beside its type and its cache breakpoint. */
  readonly members: readonly string[];
  readonly blocks: (part: JsonObject, param: string, scope: TranslationScope) => readonly JsonObject[];
}

function textOf(name: string): PartRule['blocks'] {
  return (part, param, scope) => textBlocks(requireString(part[name], `${param}.${name}`), part, param, scope);
}

/** Every type of part: those of Chat Completions, those of the Responses API, and those of Anthropic's that clients mix in. */
const PART_RULES: ReadonlyMap<unknown, PartRule> = new Map(Object.entries({
  text: { kind: 'text', members: ['text'], blocks: textOf('text') },
  input_text: { kind: 'text', members: ['text'], blocks: textOf('text') },
  output_text: { kind: 'text', members: ['text', 'annotations', 'logprobs'], blocks: textOf('text') },
  refusal: { kind: 'refusal', members: ['refusal'], blocks: textOf('refusal') },
  image_url: { kind: 'image_url', members: ['image_url', 'detail'], blocks: imageBlocks },
  input_image: { kind: 'image_url', members: ['image_url', 'file_id', 'detail'], blocks: imageBlocks },
  image: { kind: 'image_url', members: ['source'], blocks: sourceBlocks },
  file: { kind: 'file', members: ['file'], blocks: fileBlocks },
  input_file: { kind: 'file', members: FLAT_FILE_MEMBERS, blocks: fileBlocks },
  thinking: { kind: 'thinking', members: ['thinking', 'signature'], blocks: thinkingPart },
  redacted_thinking: { kind: 'thinking', members: ['data'], blocks: thinkingPart },
  reasoning: { kind: 'thinking', members: ['reasoning', 'text', 'summary', 'content', 'encrypted_content', 'id', 'status'], blocks: thinkingPart },
} satisfies Record<string, PartRule>));
const PART_MEMBERS: ReadonlyMap<unknown, ReadonlySet<string>> = new Map([...PART_RULES]
  .map(([type, { members }]) => [type, new Set([...members, 'type', 'cache_control', 'prompt_cache_breakpoint'])]));

/** Thinking that an earlier answer gave: signed, it goes back unchanged; what no signature binds cannot be sent, and is reported. */
function thinkingPart(part: JsonObject, _param: string, scope: TranslationScope): readonly JsonObject[] {
  const { type, thinking, signature, data } = part;
  if (type === 'thinking' && typeof thinking === 'string' && typeof signature === 'string' && signature !== '') return [{ type, thinking, signature }];
  if (type === 'redacted_thinking' && typeof data === 'string' && data !== '') return [{ type, data }];
  scope.ignore(`${scope.names.turns}.content.${String(type)}`);
  return [];
}

/** Whether a block holds thinking, which is no content by itself and takes no cache breakpoint. */
export function isThinkingBlock(block: JsonObject): boolean {
  return block['type'] === 'thinking' || block['type'] === 'redacted_thinking';
}

function partBlocks(part: JsonObject, param: string, allowed: ReadonlySet<PartKind>, scope: TranslationScope): readonly JsonObject[] {
  const type = requireString(part['type'], `${param}.type`);
  if (type === 'input_audio') throw unsupported(`${param}.type`, 'audio input is not available');
  const rule = PART_RULES.get(type);
  if (rule === undefined || !allowed.has(rule.kind)) throw invalidValue(`${param}.type`, `expected one of ${[...allowed].join(', ')}`);
  scope.ignoreOthers(part, PART_MEMBERS.get(type) ?? NO_MEMBERS, `${scope.names.turns}.content`);
  return rule.blocks(part, param, scope);
}

/** Puts a cache breakpoint that stands beside the content on its last block, which is what it means. */
export function cacheLastBlock(blocks: readonly JsonObject[], message: JsonObject, param: string, scope: TranslationScope): readonly JsonObject[] {
  const last = blocks.findLastIndex((block) => !isThinkingBlock(block));
  const block = blocks[last];
  if (block === undefined || block['cache_control'] !== undefined) return blocks;
  return blocks.with(last, { ...block, ...scope.cacheControl(message, param) });
}

/** Content as a string or as parts, turned into content blocks in order; blank texts are left out. */
export function contentBlocks(content: unknown, param: string, allowed: ReadonlySet<PartKind>, scope: TranslationScope): readonly JsonObject[] {
  if (typeof content === 'string') return hasText(content) ? [{ type: 'text', text: content }] : [];
  if (!Array.isArray(content)) throw invalidType(param, 'a string or an array of content parts', content);
  return requireArray(content, param).flatMap((part, index) => partBlocks(requireObject(part, `${param}[${index}]`), `${param}[${index}]`, allowed, scope));
}
