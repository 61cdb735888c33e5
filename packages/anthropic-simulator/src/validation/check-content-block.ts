import { isJsonObject, listOf, type JsonObject } from '../json.ts';
import { checkObject, checkOneOf, checkString, checkTag, eachOf, firstOf, noExtras, type Check } from './schema-checks.ts';

const USER_BLOCKS: readonly string[] = ['container_upload', 'document', 'image', 'search_result', 'text', 'tool_result', 'tool_addition', 'tool_removal', 'tool_reference'];
const ASSISTANT_BLOCKS: readonly string[] = [
  'advisor_tool_result', 'bash_code_execution_tool_result', 'code_execution_tool_result', 'compaction', 'container_upload', 'fallback',
  'mcp_tool_listing', 'mcp_tool_result', 'mcp_tool_use', 'redacted_thinking', 'server_tool_use', 'text', 'text_editor_code_execution_tool_result',
  'thinking', 'tool_search_tool_result', 'tool_use', 'web_fetch_tool_result', 'web_search_tool_result', 'document',
];
const ALL_BLOCKS: readonly string[] = [...new Set([...USER_BLOCKS, ...ASSISTANT_BLOCKS])].toSorted();
const ID_PATTERN = /^[a-zA-Z0-9_-]+$/;
const IMAGE_TYPES: readonly string[] = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'];

const MEMBERS: Readonly<Record<string, ReadonlySet<string>>> = Object.freeze({
  text: new Set(['type', 'text', 'cache_control', 'citations']),
  image: new Set(['type', 'source', 'cache_control', 'transformations']),
  thinking: new Set(['type', 'thinking', 'signature']),
  redacted_thinking: new Set(['type', 'data']),
  tool_use: new Set(['type', 'id', 'name', 'input', 'cache_control', 'caller', 'toolset_name']),
  tool_result: new Set(['type', 'tool_use_id', 'content', 'is_error', 'cache_control', 'toolset_name']),
});

/** Checks one content block of a message. */
export function checkContentBlock(path: string, block: unknown, role: string): Check {
  if (!isJsonObject(block)) return `${path}: Input should be a valid dictionary or object to extract fields from`;
  const type = String(block['type']);
  return firstOf(
    () => checkTag(path, block, ALL_BLOCKS),
    () => checkRole(path, type, role),
    () => checkCacheControl(`${path}.${type}`, block['cache_control']),
    () => checkMembers(path, type, block, role),
    () => MEMBERS[type] === undefined ? undefined : noExtras(`${path}.${type}`, block, MEMBERS[type]),
  );
}

/** Checks a `cache_control` wherever it stands. */
export function checkCacheControl(path: string, control: unknown): Check {
  if (control === undefined || control === null) return undefined;
  if (!isJsonObject(control)) return `${path}.cache_control: Input should be a valid dictionary or object to extract fields from`;
  return firstOf(
    () => checkTag(`${path}.cache_control`, control, ['ephemeral']),
    () => control['ttl'] === undefined ? undefined : checkOneOf(`${path}.cache_control.ephemeral.ttl`, control['ttl'], ['5m', '1h']),
  );
}

function checkRole(path: string, type: string, role: string): Check {
  const message = path.replace(/\.content\.\d+.*$/, '');
  if (role === 'user' && !USER_BLOCKS.includes(type)) return `${message}: \`${type}\` blocks can only be in \`assistant\` messages`;
  if (role === 'assistant' && !ASSISTANT_BLOCKS.includes(type)) return `${message}: \`${type}\` blocks can only be in \`user\` messages`;
  return role === 'system' && type !== 'text' ? `${message}: system messages may only contain \`text\` blocks` : undefined;
}

function checkMembers(path: string, type: string, block: JsonObject, role: string): Check {
  switch (type) {
    case 'text': return checkText(path, block['text'], role);
    case 'image': return checkImage(`${path}.image.source`, block['source']);
    case 'document': return checkObject(`${path}.document.source`, block['source']);
    case 'tool_use': return firstOf(
      () => checkString(`${path}.tool_use.id`, block['id'], { pattern: ID_PATTERN }),
      () => checkString(`${path}.tool_use.name`, block['name'], { maxLength: 200 }),
      () => checkObject(`${path}.tool_use.input`, block['input']),
    );
    case 'tool_result': return firstOf(
      () => checkString(`${path}.tool_result.tool_use_id`, block['tool_use_id'], { pattern: ID_PATTERN }),
      () => eachOf(listOf(block['content']), (inner, index) => checkContentBlock(`${path}.tool_result.content.${index}`, inner, role)),
    );
    case 'thinking': return firstOf(
      () => checkString(`${path}.thinking.thinking`, block['thinking'], { mayBeEmpty: true }),
      () => checkString(`${path}.thinking.signature`, block['signature'], { mayBeEmpty: true }),
      () => block['signature'] === '' || !isBase64(String(block['signature'])) ? `${path}: Invalid \`signature\` in \`thinking\` block` : undefined,
    );
    case 'redacted_thinking': return checkString(`${path}.redacted_thinking.data`, block['data']);
    default: return undefined;
  }
}

/** White space alone is refused from a user; recorded requests show that an assistant's is taken. */
function checkText(path: string, text: unknown, role: string): Check {
  if (typeof text !== 'string') return checkString(`${path}.text.text`, text);
  if (text === '') return 'messages: text content blocks must be non-empty';
  return role === 'user' && text.trim() === '' ? 'messages: text content blocks must contain non-whitespace text' : undefined;
}

function checkImage(path: string, source: unknown): Check {
  if (!isJsonObject(source)) return checkObject(path, source);
  const wrongTag = checkTag(path, source, ['base64', 'file', 'url']);
  if (wrongTag !== undefined) return wrongTag;
  if (source['type'] === 'url') return checkString(`${path}.url.url`, source['url']);
  if (source['type'] === 'file') return checkString(`${path}.file.file_id`, source['file_id']);
  return firstOf(
    () => checkOneOf(`${path}.base64.media_type`, source['media_type'], IMAGE_TYPES),
    () => checkString(`${path}.base64.data`, source['data']),
    () => isBase64(String(source['data'])) ? undefined : `${path}.base64: invalid base64 data`,
  );
}

/** Looks for what does not belong instead of matching the whole: an image of 20 MB must not exhaust the regular expression's stack. */
function isBase64(text: string): boolean {
  return text.length % 4 === 0 && !/[^A-Za-z0-9+/=]/.test(text) && !/=[^=]|={3}/.test(text);
}
