/*
 * What the Messages API demands of a request's shape, written from its documentation and not from the translation:
 * the fuzz tests hold the one against the other.
 */

type Json = Readonly<Record<string, unknown>>;

const TOP_LEVEL: ReadonlySet<string> = new Set(['model', 'max_tokens', 'stream', 'tools', 'tool_choice', 'system', 'messages', 'thinking', 'temperature', 'top_p', 'stop_sequences', 'output_config', 'metadata', 'service_tier', 'cache_control']);
const NAME = /^[a-zA-Z0-9_-]{1,128}$/;
const TOOL_ID = /^[a-zA-Z0-9_-]+$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

function demand(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`not a valid Messages request: ${what}`);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function requireKeys(value: unknown, allowed: readonly string[], path: string): Json {
  demand(isObject(value), `${path} is an object`);
  for (const key of Object.keys(value)) demand(allowed.includes(key), `${path}.${key} is not permitted`);
  return value;
}

function checkText(value: unknown, path: string): void {
  demand(typeof value === 'string' && value.trim() !== '', `${path} has a visible character`);
}

function checkSource(value: unknown, path: string): void {
  demand(isObject(value), `${path} is an object`);
  if (value['type'] === 'url') {
    demand(typeof value['url'] === 'string' && value['url'].toLowerCase().startsWith('https://'), `${path}.url is https`);
    return;
  }
  if (value['type'] === 'text') {
    checkText(value['data'], `${path}.data`);
    return;
  }
  demand(value['type'] === 'base64' && typeof value['media_type'] === 'string', `${path}.type`);
  demand(['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'application/pdf'].includes(value['media_type']), `${path}.media_type`);
  demand(typeof value['data'] === 'string' && BASE64.test(value['data']), `${path}.data is base64`);
}

function checkCacheControl(block: Json, path: string, breakpoints: { count: number }): void {
  if (block['cache_control'] === undefined) return;
  const { type, ttl } = requireKeys(block['cache_control'], ['type', 'ttl'], `${path}.cache_control`);
  demand(type === 'ephemeral' && [undefined, '5m', '1h'].includes(ttl as string | undefined), `${path}.cache_control`);
  breakpoints.count += 1;
}

function checkBlock(value: unknown, role: string, path: string, breakpoints: { count: number }): void {
  demand(isObject(value), `${path} is an object`);
  checkCacheControl(value, path, breakpoints);
  const type = value['type'];
  if (type === 'text') return checkText(requireKeys(value, ['type', 'text', 'cache_control'], path)['text'], `${path}.text`);
  if (role === 'user' && (type === 'image' || type === 'document')) {
    requireKeys(value, ['type', 'source', 'title', 'cache_control'], path);
    return checkSource(value['source'], `${path}.source`);
  }
  if (role === 'user' && type === 'tool_result') {
    const { tool_use_id: id, content } = requireKeys(value, ['type', 'tool_use_id', 'content', 'cache_control'], path);
    demand(typeof id === 'string' && TOOL_ID.test(id), `${path}.tool_use_id`);
    if (content === undefined) return undefined;
    if (typeof content === 'string') return checkText(content, `${path}.content`);
    demand(Array.isArray(content) && content.length > 0, `${path}.content`);
    return content.forEach((part: unknown, index) => { checkBlock(part, 'user', `${path}.content[${index}]`, breakpoints); });
  }
  demand(role === 'assistant', `${path}.type ${String(type)} for ${role}`);
  if (type === 'tool_use') {
    const { id, name, input } = requireKeys(value, ['type', 'id', 'name', 'input', 'cache_control'], path);
    demand(typeof id === 'string' && TOOL_ID.test(id) && typeof name === 'string' && NAME.test(name) && isObject(input), path);
    return undefined;
  }
  if (type === 'server_tool_use') {
    const { id, name, input } = requireKeys(value, ['type', 'id', 'name', 'input'], path);
    demand(typeof id === 'string' && TOOL_ID.test(id) && name === 'web_search' && isObject(input), path);
    return undefined;
  }
  if (type === 'web_search_tool_result') {
    const { tool_use_id: id, content } = requireKeys(value, ['type', 'tool_use_id', 'content'], path);
    demand(typeof id === 'string' && TOOL_ID.test(id) && (Array.isArray(content) || isObject(content)), path);
    return undefined;
  }
  const keys = type === 'thinking' ? ['type', 'thinking', 'signature'] : ['type', 'data'];
  demand(type === 'thinking' || type === 'redacted_thinking', `${path}.type`);
  const block = requireKeys(value, keys, path);
  demand(keys.every((key) => typeof block[key] === 'string'), path);
  return undefined;
}

function checkMessages(value: unknown, breakpoints: { count: number }): void {
  demand(Array.isArray(value) && value.length > 0, 'messages is a non-empty array');
  value.forEach((message: unknown, index) => {
    const path = `messages[${index}]`;
    const { role, content } = requireKeys(message, ['role', 'content'], path);
    demand(role === 'user' || role === 'assistant' || role === 'system', `${path}.role`);
    demand(Array.isArray(content) && content.length > 0, `${path}.content is a non-empty array`);
    content.forEach((block: unknown, position) => { checkBlock(block, role, `${path}.content[${position}]`, breakpoints); });
    const lastResult = content.findLastIndex((block: Json) => block['type'] === 'tool_result');
    demand(content.slice(0, lastResult + 1).every((block: Json) => block['type'] === 'tool_result'), `${path} has its tool results first`);
    const text: unknown = (content.at(-1) as Json)['text'];
    demand(role !== 'assistant' || index < value.length - 1 || typeof text !== 'string' || text === text.trimEnd(), `${path} does not end in white space`);
    if (role !== 'system') return;
    const followed: unknown = value[index + 1];
    demand(isObject(value[index - 1]) && value[index - 1].role === 'user' && (followed === undefined || (isObject(followed) && followed['role'] === 'assistant')), `${path} is after a user turn`);
  });
}

/** Every object of a schema that is enforced takes no further members. */
function checkClosed(schema: unknown, path: string): void {
  if (Array.isArray(schema)) {
    for (const inner of schema) checkClosed(inner, path);
    return;
  }
  if (!isObject(schema)) return;
  if (schema['type'] === 'object' || (Array.isArray(schema['type']) && schema['type'].includes('object'))) demand(schema['additionalProperties'] === false, `${path}: additionalProperties is false`);
  for (const name of ['properties', '$defs', 'definitions']) if (isObject(schema[name])) checkClosed(Object.values(schema[name]), path);
  for (const name of ['items', 'anyOf', 'oneOf', 'allOf', 'prefixItems']) checkClosed(schema[name], path);
}

function checkTools(body: Json, breakpoints: { count: number }): void {
  const { tools, tool_choice: choice } = body;
  const names = new Set<unknown>();
  if (tools !== undefined) {
    demand(Array.isArray(tools) && tools.length > 0, 'tools');
    tools.forEach((tool: unknown, index) => {
      const path = `tools[${index}]`;
      if (isObject(tool) && tool['type'] === 'web_search_20250305') {
        const search = requireKeys(tool, ['type', 'name', 'max_uses', 'allowed_domains', 'blocked_domains', 'user_location'], path);
        demand(search['name'] === 'web_search' && !names.has('web_search') && (search['allowed_domains'] === undefined || search['blocked_domains'] === undefined), path);
        names.add('web_search');
        return;
      }
      const { name, description, input_schema: schema } = requireKeys(tool, ['name', 'description', 'input_schema', 'strict', 'cache_control'], path);
      demand(typeof name === 'string' && NAME.test(name) && !names.has(name), `${path}.name`);
      demand(description === undefined || typeof description === 'string', `${path}.description`);
      demand(isObject(schema) && schema['type'] === 'object', `${path}.input_schema.type`);
      demand(['anyOf', 'oneOf', 'allOf'].every((combinator) => schema[combinator] === undefined), `${path}.input_schema has no combinator at its top`);
      if ((tool as Json)['strict'] === true) checkClosed(schema, `${path}.input_schema`);
      checkCacheControl(tool as Json, path, breakpoints);
      names.add(name);
    });
  }
  const isToolBlock = (block: unknown): boolean => isObject(block) && (block['type'] === 'tool_use' || block['type'] === 'tool_result');
  const hasCalls = (body['messages'] as readonly Json[]).some(({ content }) => Array.isArray(content) && content.some(isToolBlock));
  demand(!hasCalls || names.size > 0, 'tool blocks without tools');
  if (choice === undefined) return;
  const { type, name, disable_parallel_tool_use: disable } = requireKeys(choice, ['type', 'name', 'disable_parallel_tool_use'], 'tool_choice');
  demand(names.size > 0, 'tool_choice without tools');
  demand(['auto', 'any', 'none', 'tool'].includes(String(type)) && (type === 'tool') === (name !== undefined) && (name === undefined || names.has(name)), 'tool_choice');
  demand(disable === undefined || (disable === true && type !== 'none'), 'tool_choice.disable_parallel_tool_use');
}

function checkThinking(body: Json): void {
  const { thinking, max_tokens: maxTokens, tool_choice: choice, temperature, top_p: topP } = body;
  if (thinking === undefined) return;
  demand(isObject(thinking), 'thinking');
  const { type, budget_tokens: budget } = thinking;
  if (type === 'disabled' || type === 'between_tools') return;
  demand(type === 'adaptive' || type === 'enabled', 'thinking.type');
  if (type === 'enabled') demand(Number.isInteger(budget) && (budget as number) >= 1024 && (budget as number) < (maxTokens as number), 'thinking.budget_tokens');
  demand(!isObject(choice) || (choice['type'] !== 'any' && choice['type'] !== 'tool'), 'thinking with a forced tool');
  demand(temperature === undefined && topP === undefined, 'thinking with sampling');
}

/** Throws for a body that the Messages API would refuse for its shape. */
export function validateMessagesRequest(body: unknown): void {
  demand(isObject(body), 'an object');
  for (const key of Object.keys(body)) demand(TOP_LEVEL.has(key), `${key} is not permitted`);
  const breakpoints = { count: 0 };
  demand(typeof body['model'] === 'string' && body['model'] !== '', 'model');
  demand(Number.isSafeInteger(body['max_tokens']) && (body['max_tokens'] as number) > 0, 'max_tokens');
  demand(body['stream'] === undefined || body['stream'] === true, 'stream');
  for (const name of ['temperature', 'top_p']) {
    const value = body[name];
    demand(value === undefined || (typeof value === 'number' && value >= 0 && value <= 1), name);
  }
  if (body['system'] !== undefined) {
    demand(Array.isArray(body['system']) && body['system'].length > 0, 'system');
    body['system'].forEach((block: unknown, index) => { checkBlock(block, 'system', `system[${index}]`, breakpoints); });
  }
  checkTools(body, breakpoints);
  checkMessages(body['messages'], breakpoints);
  checkThinking(body);
  checkCacheControl(body, 'body', breakpoints);
  demand(breakpoints.count <= 4, 'at most four cache breakpoints');
  const stop = body['stop_sequences'];
  demand(stop === undefined || (Array.isArray(stop) && stop.length > 0 && stop.every((sequence) => typeof sequence === 'string' && sequence.trim() !== '')), 'stop_sequences');
  const output = body['output_config'];
  if (output !== undefined) {
    const { effort, format } = requireKeys(output, ['effort', 'format'], 'output_config');
    demand(effort === undefined || (['low', 'medium', 'high', 'xhigh', 'max'] as unknown[]).includes(effort), 'output_config.effort');
    demand(format === undefined || (isObject(format) && format['type'] === 'json_schema' && isObject(format['schema'])), 'output_config.format');
    if (isObject(format)) checkClosed(format['schema'], 'output_config.format.schema');
  }
  if (body['metadata'] !== undefined) demand(typeof requireKeys(body['metadata'], ['user_id'], 'metadata')['user_id'] === 'string', 'metadata.user_id');
}
