import { isJsonObject, listOf, objectsOf, type JsonObject } from '../json.ts';
import { checkCacheControl } from './check-content-block.ts';
import { checkEnforcedSchema } from './check-schema.ts';
import { checkBoolean, checkFraction, checkInteger, checkOneOf, checkString, eachOf, firstOf, noExtras, type Check } from './schema-checks.ts';

const MAX_CACHE_BREAKPOINTS = 4;
const THREAD_CREATE_MEMBERS: ReadonlySet<string> = new Set(['type']);
const METADATA_MEMBERS: ReadonlySet<string> = new Set(['user_id']);

/** Checks the top-level members that have no file of their own; those that are absent are fine. */
export function checkFields(request: JsonObject): Check {
  return eachOf(Object.keys(request), (name) => {
    const value = request[name];
    if (value === undefined) return undefined;
    if (value === null) return NULLABLE.has(name) ? undefined : FIELD_CHECKS[name]?.(value);
    return FIELD_CHECKS[name]?.(value);
  }) ?? checkBreakpoints(request);
}

const NULLABLE: ReadonlySet<string> = new Set([
  'cache_control', 'container', 'context_management', 'diagnostics', 'inference_geo', 'output_config', 'output_format', 'speed', 'fallbacks',
  'billing_policy', 'compaction', 'fallback_credit_token', 'thread', 'metadata', 'tools', 'tool_choice', 'stop_sequences', 'temperature', 'top_k', 'top_p', 'service_tier',
]);

const FIELD_CHECKS: Readonly<Record<string, (value: unknown) => Check>> = Object.freeze({
  model: (value: unknown) => checkString('model', value, { maxLength: 256 }),
  max_tokens: (value: unknown) => checkInteger('max_tokens', value, 1),
  stream: (value: unknown) => checkBoolean('stream', value),
  temperature: (value: unknown) => checkFraction('temperature', value),
  top_p: (value: unknown) => checkFraction('top_p', value),
  top_k: (value: unknown) => checkInteger('top_k', value, 0),
  service_tier: (value: unknown) => checkOneOf('service_tier', value, ['auto', 'standard_only']),
  speed: (value: unknown) => checkOneOf('speed', value, ['standard', 'fast']),
  system: checkSystem,
  stop_sequences: checkStopSequences,
  metadata: checkMetadata,
  output_config: checkOutputConfig,
  thread: checkThread,
  output_format: (value: unknown) => checkFormat('output_format', value),
  cache_control: (value: unknown) => checkCacheControl('', value)?.replace(/^\./, ''),
});

function checkSystem(system: unknown): Check {
  if (typeof system === 'string') return undefined;
  if (!Array.isArray(system)) return 'system: Input should be a valid list';
  return eachOf(system, (block: unknown, index) => {
    if (!isJsonObject(block) || block['type'] !== 'text') return `system.${index}.type: Input should be 'text'`;
    return firstOf(
      () => checkString(`system.${index}.text`, block['text'], { mayBeEmpty: true }),
      () => block['text'] === '' ? 'system: text content blocks must be non-empty' : undefined,
      () => checkCacheControl(`system.${index}`, block['cache_control']),
    );
  });
}

function checkStopSequences(sequences: unknown): Check {
  if (!Array.isArray(sequences)) return 'stop_sequences: Input should be a valid list';
  return eachOf(sequences, (sequence: unknown, index) => {
    if (typeof sequence !== 'string') return `stop_sequences.${index}: Input should be a valid string`;
    return sequence.trim() === '' ? 'stop_sequences: each stop sequence must contain non-whitespace' : undefined;
  });
}

function checkMetadata(metadata: unknown): Check {
  if (!isJsonObject(metadata)) return 'metadata: Input should be a valid dictionary or object to extract fields from';
  const userId = metadata['user_id'];
  return noExtras('metadata', metadata, METADATA_MEMBERS)
    ?? (userId === undefined || userId === null ? undefined : checkString('metadata.user_id', userId, { maxLength: 256, mayBeEmpty: true }));
}

function checkOutputConfig(config: unknown): Check {
  if (!isJsonObject(config)) return 'output_config: Input should be a valid dictionary or object to extract fields from';
  const { effort, format } = config as { readonly effort?: unknown; readonly format?: unknown };
  return firstOf(
    () => effort === undefined || effort === null ? undefined : checkOneOf('output_config.effort', effort, ['low', 'medium', 'high', 'xhigh', 'max']),
    () => format === undefined || format === null ? undefined : checkFormat('output_config.format', format),
  );
}

function checkThread(thread: unknown): Check {
  if (!isJsonObject(thread)) return 'thread: Input should be a valid dictionary or object to extract fields from';
  return checkOneOf('thread.type', thread['type'], ['create', 'continue'])
    ?? (thread['type'] === 'create' ? noExtras('thread.create', thread, THREAD_CREATE_MEMBERS) : checkString('thread.continue.previous_message_id', thread['previous_message_id']));
}

function checkFormat(path: string, format: unknown): Check {
  if (!isJsonObject(format)) return `${path}: Input should be a valid dictionary or object to extract fields from`;
  if (format['type'] !== 'json_schema') return `${path}.type: Input should be 'json_schema'`;
  return isJsonObject(format['schema']) ? checkEnforcedSchema(`${path}.schema`, format['schema']) : `${path}.schema: Field required`;
}

function checkBreakpoints(request: JsonObject): Check {
  const blocks = [
    ...objectsOf(request['tools']), ...objectsOf(request['system']),
    ...objectsOf(request['messages']).flatMap((message) => listOf(message['content']).filter(isJsonObject)),
  ];
  const count = blocks.filter((block) => isJsonObject(block['cache_control'])).length;
  return count > MAX_CACHE_BREAKPOINTS ? `A maximum of ${MAX_CACHE_BREAKPOINTS} blocks with cache_control may be provided. Found ${count}.` : undefined;
}
