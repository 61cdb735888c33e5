import { invalidType, invalidValue, isJsonObject, member, requireArray, requireObject, requireString, unsupported, type JsonObject } from './json-value.ts';
import { documentBlock, mediaBlock } from './media-source.ts';
import type { TranslationScope } from './translation-scope.ts';

/** Whether a text may be sent: the upstream refuses blocks without a visible character. */
export function hasText(text: string): boolean {
  return text.trim() !== '';
}

const IMAGE_MEMBERS: ReadonlySet<string> = new Set(['url', 'detail']);
const FILE_MEMBERS: ReadonlySet<string> = new Set(['file_id', 'file_data', 'filename']);
const LONGEST_TITLE = 500;

function textBlocks(text: string, part: JsonObject, param: string, scope: TranslationScope): readonly JsonObject[] {
  return hasText(text) ? [{ type: 'text', text, ...scope.cacheControl(part, param) }] : [];
}

function imageBlocks(part: JsonObject, param: string, scope: TranslationScope): readonly JsonObject[] {
  const image = member(part, 'image_url');
  // Some clients send the URL itself instead of the object that holds it.
  const url = isJsonObject(image) ? image['url'] : image;
  const detail = isJsonObject(image) ? member(image, 'detail') : undefined;
  if (isJsonObject(image)) scope.ignoreOthers(image, IMAGE_MEMBERS, 'messages.image_url');
  if (detail !== undefined && detail !== 'auto') scope.ignore('messages.image_url.detail');
  return [{ ...mediaBlock(requireString(url, `${param}.image_url.url`), `${param}.image_url.url`), ...scope.cacheControl(part, param) }];
}

function fileBlocks(part: JsonObject, param: string, scope: TranslationScope): readonly JsonObject[] {
  const file = requireObject(member(part, 'file'), `${param}.file`);
  scope.ignoreOthers(file, FILE_MEMBERS, 'messages.file');
  if (member(file, 'file_id') !== undefined) throw unsupported(`${param}.file.file_id`, 'uploaded files are not available here; send file_data');
  const block = documentBlock(requireString(member(file, 'file_data'), `${param}.file.file_data`), `${param}.file.file_data`);
  const title = member(file, 'filename');
  if (title !== undefined && typeof title !== 'string') throw invalidType(`${param}.file.filename`, 'a string', title);
  const isTitle = block['type'] === 'document' && title !== undefined && hasText(title) && title.length <= LONGEST_TITLE;
  if (title !== undefined && !isTitle) scope.ignore('messages.file.filename');
  const named = isTitle ? { title } : {};
  return [{ ...block, ...named, ...scope.cacheControl(part, param) }];
}

/** Which parts a message may hold. */
export type PartKind = 'text' | 'refusal' | 'image_url' | 'file';

/** What a part may hold; its own matter stands under the name of its type. */
const PART_MEMBERS: ReadonlyMap<string, ReadonlySet<string>> = new Map((['text', 'refusal', 'image_url', 'file'] satisfies PartKind[])
  .map((type) => [type, new Set([type, 'type', 'cache_control', 'prompt_cache_breakpoint'])]));
const NO_MEMBERS: ReadonlySet<string> = new Set();

function partBlocks(part: JsonObject, param: string, allowed: ReadonlySet<PartKind>, scope: TranslationScope): readonly JsonObject[] {
  const type = requireString(part['type'], `${param}.type`);
  if (type === 'input_audio') throw unsupported(`${param}.type`, 'audio input is not available');
  if (!(allowed as ReadonlySet<string>).has(type)) throw invalidValue(`${param}.type`, `expected one of ${[...allowed].join(', ')}`);
  scope.ignoreOthers(part, PART_MEMBERS.get(type) ?? NO_MEMBERS, 'messages.content');
  if (type === 'image_url') return imageBlocks(part, param, scope);
  if (type === 'file') return fileBlocks(part, param, scope);
  // What is left holds its text under the name of its type: text and refusal.
  return textBlocks(requireString(part[type], `${param}.${type}`), part, param, scope);
}

/** Puts a cache breakpoint that stands beside the content on its last block, which is what it means. */
export function cacheLastBlock(blocks: readonly JsonObject[], message: JsonObject, param: string, scope: TranslationScope): readonly JsonObject[] {
  const last = blocks.at(-1);
  if (last === undefined || last['cache_control'] !== undefined) return blocks;
  return [...blocks.slice(0, -1), { ...last, ...scope.cacheControl(message, param) }];
}

/** Content as a string or as parts, turned into content blocks in order; blank texts are left out. */
export function contentBlocks(content: unknown, param: string, allowed: ReadonlySet<PartKind>, scope: TranslationScope): readonly JsonObject[] {
  if (typeof content === 'string') return hasText(content) ? [{ type: 'text', text: content }] : [];
  if (!Array.isArray(content)) throw invalidType(param, 'a string or an array of content parts', content);
  return requireArray(content, param).flatMap((part, index) => partBlocks(requireObject(part, `${param}[${index}]`), `${param}[${index}]`, allowed, scope));
}
