import { isJsonObject, type JsonObject } from '../json.ts';
import { checkFields } from './check-fields.ts';
import { betasOf, checkHeaders, isStrictVersion } from './check-headers.ts';
import { checkMessages } from './check-messages.ts';
import { checkThinking } from './check-thinking.ts';
import { checkToolChoice, checkTools } from './check-tools.ts';
import { checkModelRules } from './check-model-rules.ts';
import { checkOneOf, firstOf, noExtras, type Check } from './schema-checks.ts';
import type { ValidationHeaders } from './validation-headers.ts';

/** Why the API would refuse a request with 400 `invalid_request_error`. */
export interface ValidationFailure {
  readonly message: string;
}

const COUNT_MEMBERS: readonly string[] = [
  'messages', 'model', 'cache_control', 'output_config', 'speed', 'system', 'thinking', 'tool_choice', 'tools', 'user_profile_id', 'workspace_id',
];
const CREATE_MEMBERS: readonly string[] = [
  ...COUNT_MEMBERS, 'max_tokens', 'container', 'diagnostics', 'inference_geo', 'metadata', 'service_tier', 'stop_sequences', 'stream',
];
const SAMPLING_MEMBERS: readonly string[] = ['temperature', 'top_k', 'top_p'];

/** Members that exist only with a beta header; the pattern says which one, where that is known. */
const BETA_MEMBERS: Readonly<Record<string, RegExp>> = Object.freeze({
  context_management: /^(?:context-management|compact|claude-code)-/,
  mcp_servers: /^mcp-client-/,
  output_format: /^structured-outputs-/,
  billing_policy: /./, compaction: /./, fallback_credit_token: /./, fallbacks: /./, thread: /^message-threads-/,
});

/** Checks a `POST /v1/messages` body as the API does, including what the headers allow; `undefined` when it would be accepted. */
export function validateMessagesRequest(body: unknown, headers: ValidationHeaders = {}): ValidationFailure | undefined {
  return validate(body, headers, CREATE_MEMBERS, true);
}

/** Checks a `POST /v1/messages/count_tokens` body as the API does. */
export function validateCountTokensRequest(body: unknown, headers: ValidationHeaders = {}): ValidationFailure | undefined {
  return validate(body, headers, COUNT_MEMBERS, false);
}

function validate(body: unknown, headers: ValidationHeaders, members: readonly string[], needsMaxTokens: boolean): ValidationFailure | undefined {
  if (!isJsonObject(body)) return { message: 'Input should be a valid dictionary or object to extract fields from' };
  const isStrict = isStrictVersion(headers);
  const message = firstOf(
    () => checkHeaders(headers),
    () => 'model' in body ? undefined : 'model: Field required',
    () => needsMaxTokens && !('max_tokens' in body) ? 'max_tokens: Field required' : undefined,
    () => 'messages' in body ? undefined : 'messages: Field required',
    () => noExtras('', body, allowedMembers(members, headers, needsMaxTokens && !isStrict)),
    () => checkFields(body),
    () => checkMessages(body['messages'], isStrict),
    () => checkTools(body['tools']),
    () => checkToolChoice(body),
    () => checkThinking(body),
    () => checkPairing(body),
    () => checkBlockBinding(body['thinking'], headers),
    () => checkModelRules(body),
  );
  return message === undefined ? undefined : { message };
}

function allowedMembers(members: readonly string[], headers: ValidationHeaders, hasSampling: boolean): ReadonlySet<string> {
  const betas = betasOf(headers);
  const unlocked = Object.entries(BETA_MEMBERS).filter(([, pattern]) => betas.some((beta) => pattern.test(beta))).map(([name]) => name);
  return new Set([...members, ...unlocked, ...hasSampling ? SAMPLING_MEMBERS : []]);
}

/** What is done with a thought that no longer fits is a choice that a beta brings. */
function checkBlockBinding(thinking: unknown, headers: ValidationHeaders): Check {
  if (!isJsonObject(thinking) || thinking['block_binding'] === undefined) return undefined;
  const type = String(thinking['type']);
  if (!betasOf(headers).some((beta) => beta.startsWith('thinking-binding-controls-'))) return `thinking.${type}.block_binding: Extra inputs are not permitted`;
  const binding = thinking['block_binding'];
  if (!isJsonObject(binding)) return `thinking.${type}.block_binding: Input should be a valid dictionary or object to extract fields from`;
  return checkOneOf(`thinking.${type}.block_binding.prefix_mismatch_behavior`, binding['prefix_mismatch_behavior'], ['error', 'drop_block']);
}

/** A feature that has a new and an old spelling is not given twice. */
function checkPairing(request: JsonObject): Check {
  const config = request['output_config'];
  return isJsonObject(config) && isJsonObject(config['format']) && isJsonObject(request['output_format'])
    ? 'output_format: cannot be given together with output_config.format'
    : undefined;
}
