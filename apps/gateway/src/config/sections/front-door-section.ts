import { z } from 'zod';
import { apiKey, apiVersion, baseUrl, count, flag, list, modelPattern, pem, proxyUrl, RELOADABLE, seconds, secondsOrNone, text } from './field-kinds.ts';
import { FRONT_DOOR_GROUPS, groupsWith, type FrontDoorGroup } from './route-groups.ts';
import { priceMultiplier } from './prices-section.ts';
import { frontDoorTimeoutsSection, poolSection } from './upstream-settings.ts';
import type { FrontDoorTimeoutsConfig, PoolConfig } from './upstream-settings.ts';

/** What a backend speaks: Anthropic's protocol (translated) or OpenAI's (relayed). */
export const BACKEND_KINDS = ['anthropic', 'openai'] as const;

/** One of `BACKEND_KINDS`. */
export type BackendKind = (typeof BACKEND_KINDS)[number];

/** Efforts that a model may take, weakest first. */
export const EFFORT_LEVELS = ['low', 'medium', 'high', 'xhigh', 'max'] as const;

/** One of `EFFORT_LEVELS`. */
export type EffortLevel = (typeof EFFORT_LEVELS)[number];

/** Values of `thinking.type`, the most thinking first. */
export const THINKING_TYPES = ['adaptive', 'enabled', 'between_tools', 'disabled'] as const;

/** One of `THINKING_TYPES`. */
export type ThinkingType = (typeof THINKING_TYPES)[number];

/** An upstream of the front door. */
export interface BackendConfig {
  readonly name: string;
  readonly kind: BackendKind;
  readonly base_url?: string | undefined;
  readonly api_key?: string | undefined;
  readonly version?: string | undefined;
  readonly ca?: string | undefined;
  readonly proxy?: string | undefined;
  readonly price_multiplier?: string | undefined;
  readonly allow_insecure_base_url: boolean;
}

/** Which backend takes a model, and under which name. */
export interface ModelRuleConfig {
  readonly model: string;
  readonly backend?: string | undefined;
  readonly upstream_model?: string | undefined;
  readonly max_output_tokens?: number | undefined;
}

/** The parameters that a model accepts; an absent field keeps the built-in table's value. */
export interface ModelCapabilitiesConfig {
  readonly rejects_sampling?: boolean | undefined;
  readonly exclusive_sampling?: boolean | undefined;
  readonly effort_levels?: readonly EffortLevel[] | undefined;
  readonly thinking_types?: readonly ThinkingType[] | undefined;
  readonly thinks_by_default?: boolean | undefined;
  readonly binds_thinking?: boolean | undefined;
  readonly bounds_effort_without_thinking?: boolean | undefined;
  readonly rejects_forced_tools?: boolean | undefined;
  readonly structured_outputs?: boolean | undefined;
  readonly inline_system?: boolean | undefined;
  readonly rejects_prefill?: boolean | undefined;
  readonly default_max_tokens?: number | undefined;
  readonly max_output_tokens?: number | undefined;
}

/** The OpenAI front door. */
export interface FrontDoorConfig {
  readonly enabled: boolean;
  readonly max_output_tokens?: number | undefined;
  readonly version?: string | undefined;
  readonly reasoning_content: boolean;
  readonly later_system_messages: 'hoist' | 'inline';
  readonly json_object: 'reject' | 'ignore';
  readonly codex_instructions?: string | undefined;
  readonly backends: readonly BackendConfig[];
  readonly models: readonly ModelRuleConfig[];
  readonly model_capabilities: Readonly<Record<string, ModelCapabilitiesConfig>>;
  readonly route_groups: readonly FrontDoorGroup[];
  readonly max_buffered_bytes: number;
  readonly keep_alive_comments: number;
  readonly timeout: number;
  readonly timeouts: FrontDoorTimeoutsConfig;
  readonly pool: PoolConfig;
}

const LATER_SYSTEM_MESSAGES = ['hoist', 'inline'] as const;
const JSON_OBJECT = ['reject', 'ignore'] as const;

const BACKEND_NAME = 'a name of 1 to 40 lower-case letters, digits or underscores';

const backendSection: z.ZodType<BackendConfig> = z.strictObject({
  name: text(BACKEND_NAME).regex(/^[a-z][a-z0-9_]{0,39}$/, BACKEND_NAME).describe('Name in `models` and, after `front_door_`, in metrics.'),
  kind: z.enum(BACKEND_KINDS, 'anthropic or openai').describe('`anthropic`: requests are translated. `openai`: relayed as they are.'),
  base_url: baseUrl().optional().describe('Absent: `https://api.anthropic.com` or `https://api.openai.com/v1`. An `openai` one includes `/v1`, as OpenAI clients have it.'),
  api_key: apiKey().optional().describe('Key for this backend. Secret.'),
  version: apiVersion().optional().describe('`anthropic-version` for this backend. Absent: `openai_front_door.version`.'),
  ca: pem('certificates').optional().describe('A private certificate authority to trust besides the public ones: PEM text or a path.'),
  proxy: proxyUrl().optional().describe('Egress proxy. Absent: `HTTPS_PROXY`, else `ALL_PROXY` (`http_proxy`, else `ALL_PROXY`, for an `http:` upstream), unless `NO_PROXY` excludes the host. Credentials in it are secret.'),
  price_multiplier: priceMultiplier().optional().describe('What all prices of this backend are multiplied by; a discount is below "1". Absent: 1.'),
  allow_insecure_base_url: flag().default(false).describe('Allow `http:` to hosts other than loopback.'),
}, 'an object with name and kind');

const modelRule: z.ZodType<ModelRuleConfig> = z.strictObject({
  model: modelPattern().describe('Model names this rule takes; `*` stands for any characters. The first rule that fits wins.'),
  backend: text('the name of a backend').optional().describe('Name of the backend. Absent: the only one.'),
  upstream_model: text('a model name').optional().describe('Name sent upstream. Absent: the client\'s. Not for an `openai` backend, whose requests are not changed.'),
  max_output_tokens: count(1).optional().describe('`max_tokens` for requests that give none. Absent: `openai_front_door.max_output_tokens`.'),
}, 'an object with model');

/** The schema of one entry of `model_capabilities`. */
export const modelCapabilitiesSection: z.ZodType<ModelCapabilitiesConfig> = z.strictObject({
  rejects_sampling: flag().optional().describe('`temperature` and `top_p` are dropped and reported. `top_k` is no field of `/v1`: it is dropped and reported for every model.'),
  exclusive_sampling: flag().optional().describe('Of `temperature` and `top_p` only the first is sent.'),
  effort_levels: list(z.enum(EFFORT_LEVELS, `one of ${EFFORT_LEVELS.join(', ')}`)).optional().describe('Values of `reasoning_effort` that are sent; where there are none and thinking may be `enabled`, a budget is sent.'),
  thinking_types: list(z.enum(THINKING_TYPES, `one of ${THINKING_TYPES.join(', ')}`)).optional().describe('Values of `thinking.type` that are sent.'),
  thinks_by_default: flag().optional().describe('The model thinks unless `thinking` says otherwise; `reasoning_effort: none` sends the least that `thinking_types` has.'),
  binds_thinking: flag().optional().describe('A thought may only come back behind what it followed; requests that give thoughts back ask the API (beta `thinking-binding-controls-2026-08-01`) to drop those that no longer fit, instead of a 400.'),
  bounds_effort_without_thinking: flag().optional().describe('With `thinking.type` `disabled` or `between_tools` efforts above `high` are refused.'),
  rejects_forced_tools: flag().optional().describe('A `tool_choice` that demands a tool is sent as `auto` and reported.'),
  structured_outputs: flag().optional().describe('`response_format` with a JSON schema is native.'),
  inline_system: flag().optional().describe('System messages may stand between others; used where `later_system_messages` is `inline`.'),
  rejects_prefill: flag().optional().describe('A trailing assistant message is refused.'),
  default_max_tokens: count(1).optional().describe('`max_tokens` for requests that give none. Absent: `openai_front_door.max_output_tokens`.'),
  max_output_tokens: count(1).optional().describe('The most tokens that the model writes: a larger `max_tokens` is lowered to it and reported.'),
}, 'an object');

/** The schema of `openai_front_door`. */
export const frontDoorSection: z.ZodType<FrontDoorConfig> = z.strictObject({
  enabled: flag().default(true).describe('Serve `/v1`.'),
  max_output_tokens: count(1).optional().describe('`max_tokens` for requests that give none. Absent: the most that the model writes, 8192 where that is not known.').meta(RELOADABLE),
  version: apiVersion().optional().describe('`anthropic-version` of translated requests. Absent: `anthropic_native.version`.'),
  reasoning_content: flag().default(false).describe('Return thinking as `reasoning_content`.').meta(RELOADABLE),
  later_system_messages: z.enum(LATER_SYSTEM_MESSAGES, 'hoist or inline').default('inline')
    .describe('System messages after the first turn. `hoist`: moved to the top. `inline`: kept behind the user turn they stand at where the model has `inline_system`, so that prompt caches hit.').meta(RELOADABLE),
  json_object: z.enum(JSON_OBJECT, 'reject or ignore').default('ignore')
    .describe('`response_format` of type `json_object`, which the API has no counterpart for: ignored and reported (OpenAI requires the prompt to ask for JSON as well), or refused with 400.').meta(RELOADABLE),
  max_buffered_bytes: count(1_048_576, Number.MAX_SAFE_INTEGER).default(268_435_456).describe('Request bytes of the front door held at once, all requests and workers together.').meta(RELOADABLE),
  keep_alive_comments: secondsOrNone().default(0).describe('Silence in seconds after which a comment is sent on an event stream; 0: only where the upstream sends a ping, or nothing but events that hold nothing for the client for 10 seconds (thinking, input of server tools).').meta(RELOADABLE),
  codex_instructions: text('a prompt').optional().describe('The base instructions (a prompt) of the model catalogue that Codex reads from `GET /v1/models`, best as `${file:PATH}`. Absent: there is no catalogue, and Codex assumes its defaults.').meta(RELOADABLE),
  backends: list(backendSection).default([])
    .describe('Upstreams. Empty: one `anthropic` backend with the base_url, api_key, version and ca of `anthropic_native`, with its own connections.'),
  route_groups: list(z.enum(FRONT_DOOR_GROUPS, `one of ${FRONT_DOOR_GROUPS.join(', ')}`)).default(groupsWith(FRONT_DOOR_GROUPS, 'isServedByDefault'))
    .describe('Groups of OpenAI routes that are relayed to `openai` backends. `front_door`: completions, embeddings, responses, moderations, audio, images. `front_door_files`, `front_door_batches`, `front_door_state`: what the origin keeps. `front_door_admin` and `front_door_unknown` (paths the gateway does not know) are off unless named.').meta(RELOADABLE),
  models: list(modelRule).default([]).describe('Which backend takes which model. Empty with one backend: `claude-*` (anthropic) or every model (openai).').meta(RELOADABLE),
  model_capabilities: z.record(modelPattern(), modelCapabilitiesSection, 'an object').default({})
    .describe('What models accept, by name or pattern, over the built-in table. `MODEL_CAPABILITIES_FILE` and `MODEL_CAPABILITIES_JSON` are laid over it.').meta(RELOADABLE),
  timeout: seconds().default(60).describe('Seconds until the response headers of quick operations.').meta(RELOADABLE),
  timeouts: frontDoorTimeoutsSection.prefault({}).describe('Every other clock of the front door, in seconds.').meta(RELOADABLE),
  pool: poolSection.prefault({}).describe('Connections of each backend; never shared with the native path.').meta(RELOADABLE),
}, 'an object').transform((frontDoor) => ({
  ...frontDoor,
  timeouts: {
    ...frontDoor.timeouts,
    quick_headers: frontDoor.timeouts.quick_headers ?? frontDoor.timeout,
    openai_idle: frontDoor.timeouts.openai_idle ?? Math.max(frontDoor.timeouts.idle, frontDoor.timeouts.stream_headers),
  },
}));
