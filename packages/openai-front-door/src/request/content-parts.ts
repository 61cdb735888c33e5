import { invalidType, invalidValue, isJsonObject, member, requireArray, requireObject, requireString, unsupported, type JsonObject } from './json-value.ts';
import { documentBlock, mediaBlock } from './media-source.ts';
import type { TranslationScope } from './translation-scope.ts';

/** Whether a text may be sent: the upstream refuses blocks without a visible character. */
export function hasText(text: string): boolean {
  return text.trim() !== '';
}

function textBlocks(text: string, part: JsonObject, param: string, scope: TranslationScope): readonly JsonObject[] {
  return hasText(text) ? [{ type: 'text', text, ...scope.cacheControl(part, param) }] : [];
}

function imageBlocks(part: JsonObject, param: string, scope: TranslationScope): readonly JsonObject[] {
  const image = member(part, 'image_url');
  // Some clients send the URL itself instead of the object that holds it.
  const url = isJsonObject(image) ? image['url'] : image;
  const detail = isJsonObject(image) ? member(image, 'detail') : undefined;
  if (detail !== undefined && detail !== 'auto') scope.ignore('messages.image_url.detail');
  return [{ ...mediaBlock(requireString(url, `${param}.image_url.url`), `${param}.image_url.url`), ...scope.cacheControl(part, param) }];
}

function fileBlocks(part: JsonObject, param: string, scope: TranslationScope): readonly JsonObject[] {
  const file = requireObject(member(part, 'file'), `${param}.file`);
  if (member(file, 'file_id') !== undefined) throw unsupported(`${param}.file.file_id`, 'uploaded files are not available here; send file_data');
  const block = documentBlock(requireString(member(file, 'file_data'), `${param}.file.file_data`), `${param}.file.file_data`);
  const title = member(file, 'filename');
  if (title !== undefined && typeof title !== 'string') throw invalidType(`${param}.file.filename`, 'a string', title);
  const named = block['type'] === 'document' && title !== undefined && hasText(title) && title.length <= 500 ? { title } : {};
  return [{ ...block, ...named, ...scope.cacheControl(part, param) }];
}

/** Which parts a message may hold. */
export type PartKind = 'text' | 'refusal' | 'image_url' | 'file';

function partBlocks(part: JsonObject, param: string, allowed: ReadonlySet<PartKind>, scope: TranslationScope): readonly JsonObject[] {
  const type = requireString(part['type'], `${param}.type`);
  if (type === 'input_audio') throw unsupported(`${param}.type`, 'audio input is not available');
  if (!(allowed as ReadonlySet<string>).has(type)) throw invalidValue(`${param}.type`, `expected one of ${[...allowed].join(', ')}`);
  if (type === 'image_url') return imageBlocks(part, param, scope);
  if (type === 'file') return fileBlocks(part, param, scope);
  // What is left holds its text under the name of its type: text and refusal.
  return textBlocks(requireString(part[type], `${param}.${type}`), part, param, scope);
}

/** Content as a string or as parts, turned into content blocks in order; blank texts are left out. */
export function contentBlocks(content: unknown, param: string, allowed: ReadonlySet<PartKind>, scope: TranslationScope): readonly JsonObject[] {
  if (typeof content === 'string') return hasText(content) ? [{ type: 'text', text: content }] : [];
  if (!Array.isArray(content)) throw invalidType(param, 'a string or an array of content parts', content);
  return requireArray(content, param).flatMap((part, index) => partBlocks(requireObject(part, `${param}[${index}]`), `${param}[${index}]`, allowed, scope));
}
