import { describeUnknownOption, describeWrongOption, type OptionType } from '@penstock/option-names';
import type { Context } from 'koa';
import type { Backend, RawHeaders } from './backend.ts';
import type { ModelCapabilityRegistry, ModelCapabilityRule } from './models/model-capabilities.ts';
import { DEFAULT_MAX_REQUEST_VALUES } from './json/json-outline.ts';
import { DEFAULT_RELAY_GROUPS, RELAY_GROUPS, type CallerAccess, type RelayGroup } from './relay/relay-groups.ts';
import { capabilityProblems } from './models/merge-model-capabilities.ts';
import type { ModelRoute } from './models/model-map.ts';
import { FrontDoorOptionsError } from './options-error.ts';
import { PREFIX_PATTERN } from './routes/request-target.ts';
import type { RequestSummary, StreamProgress } from './request-summary.ts';

/** Bounds of everything that is buffered or waited for. */
export interface FrontDoorLimits {
  /** The largest request body. @defaultValue 33554432 */
  readonly maxRequestBytes: number;
  /** The most JSON values a request may hold, and once more the texts of its tool arguments: a parsed value takes many times its text. @defaultValue 500000 */
  readonly maxRequestValues: number;
  /** The largest body that is passed on to an `openai` backend as it arrives, such as a file. @defaultValue 536870912 */
  readonly maxStreamedRequestBytes: number;
  /** The largest upstream body that is gathered (never a stream). @defaultValue 33554432 */
  readonly maxResponseBytes: number;
  /** The longest event of an upstream stream, in characters. @defaultValue 1048576 */
  readonly maxEventChars: number;
  /** A larger request or gathered answer is read and translated on a thread of its own, so that nothing else waits for it. @defaultValue 131072 */
  readonly maxInlineBytes: number;
  /** Larger bodies that wait for that thread; one more is `overloaded`. @defaultValue 64 */
  readonly maxTranslationsWaiting: number;
  /** The most JSON values a gathered answer may hold. @defaultValue 500000 */
  readonly maxResponseValues: number;
  /** Thinking kept to be handed back signed, in characters, when the client asked for it. @defaultValue 4194304 */
  readonly maxThinkingChars: number;
  /** Pages of the upstream's model list that are followed. @defaultValue 10 */
  readonly maxModelPages: number;
  /** The largest page of a model list, which is parsed where it came: more of it would hold the event loop. @defaultValue 2097152 */
  readonly maxModelPageBytes: number;
  /** The most models of one backend; a longer list is refused. @defaultValue 10000 */
  readonly maxModels: number;
  /** How long a list of models waits for slow backends once one has answered. @defaultValue 3000 */
  readonly modelsWaitMs: number;
  /** Bytes at the start of a multipart body that are searched for its `model`. @defaultValue 65536 */
  readonly maxFormHeadBytes: number;
  /** Bytes of a compressed relayed answer that are decoded to read its usage. @defaultValue 67108864 */
  readonly maxDecodedBytes: number;
  /** How long a client may leave a response unread. @defaultValue 120000 */
  readonly clientStallMs: number;
  /** Silence on a stream after which a comment is written; 0 writes none of our own. @defaultValue 0 */
  readonly keepAliveMs: number;
  /** Silence on a translated stream after which a comment is written although nothing is for the client, while the upstream sends events; 0 writes none. @defaultValue 10000 */
  readonly maxSilenceMs: number;
}

/** What is known of a request when its body was read. */
export interface RequestRead {
  /** The model as the client named it; absent where the body names none or cannot be read. */
  readonly model: string | undefined;
  /** The output tokens that one answer may cost; absent where it has no such bound. */
  readonly maxTokens: number | undefined;
  /** How many such answers are made; absent for a request that no model answers, as far as is known. */
  readonly choices?: number;
  /** Whether tokens are spent after the request was answered, as by a batch: no answer to it reports them. @defaultValue false */
  readonly isSpentLater?: boolean;
  readonly stream: boolean;
  /** The body's length as it came, compressed or not. */
  readonly requestBytes: number;
  /** The length of its JSON text, decoded; absent where the body is no JSON. */
  readonly jsonBytes: number | undefined;
  /** Models that a relayed request names elsewhere than in `model`; looked for only where `CallerAccess.restrictsModels` is true. */
  readonly otherModels?: readonly string[];
  /** Whether the route is one that a model answers; absent for the others, such as files. */
  readonly needsModel?: boolean;
  /** Whether the route is one that costs nothing although it names a model, such as the count of tokens. @defaultValue false */
  readonly isFree?: boolean;
  /** The group of the route where the request is relayed as it is; absent for the front door's own routes. */
  readonly group?: RelayGroup;
}

/** A request body that was read. */
export interface ReceivedBody {
  /** The bytes as they came; a relayed request has them, with its `content-encoding`. */
  readonly bytes: Uint8Array;
  /** The JSON text: the same bytes, or what they hold decoded. */
  readonly json: Uint8Array;
}

/** Where the application takes part. */
export interface FrontDoorHooks {
  /** Called after the body was read and found translatable, before the upstream is called. Throw a `FrontDoorError` to refuse (403, 429). */
  readonly onRequestRead?: (ctx: Context, request: RequestRead) => Promise<void> | void;
  /** Called exactly once per request, when its response body ended. What it throws goes to `onInternalError`. */
  readonly onRequestSettled?: (summary: RequestSummary, ctx: Context) => void;
  /** Called when the head of an upstream's answer came: of the request nothing is held any more. */
  readonly onUpstreamHead?: (ctx: Context) => void;
  /** Called when an answer that is an event stream begins, with a function that has what was read of it so far; the end of the request has all of it. */
  readonly onStreamBegun?: (ctx: Context, progress: () => StreamProgress) => void;
  /** Whether what a model writes is counted (`RequestSummary.textBytes`); it costs the reading of each event. @defaultValue it is not */
  readonly measuresText?: (ctx: Context) => boolean;
  /** What the caller may do. @defaultValue whatever is served, with every model */
  readonly accessOf?: (ctx: Context) => CallerAccess | undefined;
  /** Called with the header fields that a request is sent with, before its backend adds its own: what the client sent besides did not cross. */
  readonly onRequestFields?: (ctx: Context, backend: string, rawHeaders: RawHeaders) => void;
  /** Whether a model is shown to this client by `GET /v1/models`. @defaultValue all are */
  readonly isModelListed?: (ctx: Context, model: string) => boolean;
  /** What the client is called, out of a bounded set of names; every `BackendRequest` of its request carries it. */
  readonly client?: (ctx: Context) => string | undefined;
  /** Any value by which the application knows the request again in `send`; every `BackendRequest` of the request carries it. */
  readonly tag?: (ctx: Context) => unknown;
  /** Which of several callers that are called alike asks: backends share what they have fairly between callers. @defaultValue the client's name */
  readonly caller?: (ctx: Context) => string | undefined;
  /** The id sent as `x-request-id` where the upstream gave none. */
  readonly requestId?: (ctx: Context) => string | undefined;
  /** Called with an unexpected failure (`internal`), with what a backend rejected with and no table knows, and with the error of a hook that threw. @defaultValue `console.error` */
  readonly onInternalError?: (error: unknown, ctx: Context) => void;
}

/**
 * Reads the whole JSON body of a request; both forms of it are at most `maxBytes` long. Rejects with a `FrontDoorError` such as `too_large`, or
 * `unsupported_media_type` for a content coding it does not know. What is no JSON may be refused as soon as it is seen.
 */
export type ReadBody = (ctx: Context, maxBytes: number) => Promise<ReceivedBody>;

/** Reads a request body that is passed on as it arrives, at the pace of the iteration. */
export type StreamBody = (ctx: Context) => AsyncIterable<Uint8Array>;

/** What messages call the options that decide which routes are served; an application has its own names for them. */
export interface SettingNames {
  readonly backends: string;
  readonly relayGroups: string;
}

/** Options of `createOpenAiFrontDoor`. */
export interface FrontDoorOptions {
  /** The origins, by name. */
  readonly backends: Readonly<Record<string, Backend>>;
  /** Which model goes where; the first matching line wins, a model without a line is 404. */
  readonly models: readonly ModelRoute[];
  /** What models accept. @defaultValue `BUILT_IN_MODEL_CAPABILITIES` */
  readonly capabilities?: ModelCapabilityRegistry;
  /** `max_tokens` where neither client nor model map gives one. @defaultValue the most that the model writes, 8192 where that is not known */
  readonly maxOutputTokens?: number;
  /** Hand thinking to every client as `reasoning_content`, not only to those that ask. @defaultValue false */
  readonly reasoningContent?: boolean;
  /** System messages after the first turn: moved to the top, or kept behind the user's turn where the model allows it. @defaultValue `inline` */
  readonly laterSystemMessages?: 'hoist' | 'inline';
  /** `response_format: {type: "json_object"}`, which has no counterpart: 400, or ignored and reported. @defaultValue `ignore` */
  readonly jsonObjectFormat?: 'reject' | 'ignore';
  /** Which groups of routes are relayed to `openai` backends. @defaultValue `['front_door']` */
  readonly relayGroups?: readonly RelayGroup[];
  /** The base instructions (a prompt) of the model catalogue that Codex reads from `GET /v1/models`. @defaultValue there is no catalogue */
  readonly codexInstructions?: string;
  /** What messages call the options. @defaultValue their names here */
  readonly settingNames?: SettingNames;
  /** What the paths begin with instead of `/v1`, such as `/openai/v1`: the end of a client's base URL. @defaultValue `/v1` */
  readonly prefix?: string;
  readonly limits?: Partial<FrontDoorLimits>;
  readonly hooks?: FrontDoorHooks;
  /** Replaces the package's own bounded body reader. */
  readonly readBody?: ReadBody;
  /** Replaces the package's own reading of bodies that are passed on as they arrive; their bound is counted in any case. */
  readonly streamBody?: StreamBody;
}

/** The limits that hold where none are given. */
export const DEFAULT_FRONT_DOOR_LIMITS: FrontDoorLimits = Object.freeze({
  maxRequestBytes: 32 * 1024 * 1024,
  maxRequestValues: DEFAULT_MAX_REQUEST_VALUES,
  maxStreamedRequestBytes: 512 * 1024 * 1024,
  maxResponseBytes: 32 * 1024 * 1024,
  maxEventChars: 1024 * 1024,
  maxInlineBytes: 128 * 1024,
  maxTranslationsWaiting: 64,
  maxResponseValues: DEFAULT_MAX_REQUEST_VALUES,
  maxThinkingChars: 4 * 1024 * 1024,
  maxModelPages: 10,
  maxModelPageBytes: 2 * 1024 * 1024,
  maxModels: 10_000,
  modelsWaitMs: 3_000,
  maxFormHeadBytes: 64 * 1024,
  maxDecodedBytes: 64 * 1024 * 1024,
  clientStallMs: 120_000,
  keepAliveMs: 0,
  maxSilenceMs: 10_000,
});

/** Absent `backends` and `models` have a problem of their own. */
const OPTION_TYPES: Readonly<Record<keyof FrontDoorOptions, OptionType>> = Object.freeze({
  backends: 'object?', models: 'list?', capabilities: 'list?', maxOutputTokens: 'number?', reasoningContent: 'boolean?', laterSystemMessages: 'string?', jsonObjectFormat: 'string?',
  relayGroups: 'list?', codexInstructions: 'string?', settingNames: 'object?', prefix: 'string?', limits: 'object?', hooks: 'object?', readBody: 'function?', streamBody: 'function?',
});
const HOOK_TYPES: Readonly<Record<keyof FrontDoorHooks, OptionType>> = Object.freeze({
  onRequestRead: 'function?', onRequestSettled: 'function?', onUpstreamHead: 'function?', onStreamBegun: 'function?', measuresText: 'function?', accessOf: 'function?',
  onRequestFields: 'function?', isModelListed: 'function?', client: 'function?', tag: 'function?', caller: 'function?', requestId: 'function?', onInternalError: 'function?',
});

/** The options' own names. */
export const DEFAULT_SETTING_NAMES: SettingNames = Object.freeze({ backends: 'backends', relayGroups: 'relayGroups' });

function positiveIntegerProblem(name: string, value: unknown, minimum = 1): string | undefined {
  if (Number.isSafeInteger(value) && (value as number) >= minimum) return undefined;
  return `${name} must be a ${minimum === 0 ? 'non-negative' : 'positive'} integer, received ${String(value)}`;
}

function backendProblem(name: string, backend: Backend): string | undefined {
  const path = `backends.${name}`;
  if (!isObject(backend)) return `${path} must be an object, received ${JSON.stringify(backend)}`;
  if (backend.kind !== 'anthropic' && backend.kind !== 'openai') return `${path}.kind must be anthropic or openai, received ${JSON.stringify((backend as Backend).kind)}`;
  const wrong = describeWrongOption(backend, { send: 'function' });
  return wrong === undefined ? undefined : `${path}.${wrong}`;
}

function ruleProblems(rule: ModelCapabilityRule, index: number): readonly string[] {
  const path = `capabilities[${index}]`;
  if (!isObject(rule)) return [`${path} must be an object, received ${JSON.stringify(rule)}`];
  const matchProblem = typeof rule.match === 'string' && rule.match !== '' ? [] : [`${path}.match must be a model name or pattern, received ${JSON.stringify(rule.match)}`];
  return [...matchProblem, ...capabilityProblems(`${path}.capabilities`, rule.capabilities)];
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function routeProblems(route: ModelRoute, index: number, backends: Readonly<Record<string, Backend>>): readonly string[] {
  const path = `models[${index}]`;
  if (!isObject(route)) return [`${path} must be an object, received ${JSON.stringify(route)}`];
  const problems: string[] = [];
  if (typeof route.match !== 'string' || route.match === '') problems.push(`${path}.match must be a model name or pattern, received ${JSON.stringify(route.match)}`);
  const backend = Object.hasOwn(backends, route.backend) ? backends[route.backend] : undefined;
  if (backend === undefined) problems.push(`${path}.backend must be one of ${Object.keys(backends).join(', ') || '(no backends)'}, received ${JSON.stringify(route.backend)}`);
  const upstreamModelProblem = describeWrongOption(route, { upstreamModel: 'string?' });
  if (upstreamModelProblem !== undefined) problems.push(`${path}.${upstreamModelProblem}`);
  else if (backend?.kind === 'openai' && route.upstreamModel !== undefined && route.upstreamModel !== route.match) {
    problems.push(`${path}.upstreamModel must be absent for an openai backend, whose requests are relayed unchanged, received ${JSON.stringify(route.upstreamModel)}`);
  }
  const maxTokensProblem = route.defaultMaxTokens === undefined ? undefined : positiveIntegerProblem(`${path}.defaultMaxTokens`, route.defaultMaxTokens);
  if (maxTokensProblem !== undefined) problems.push(maxTokensProblem);
  if (route.capabilities !== undefined) problems.push(...capabilityProblems(`${path}.capabilities`, route.capabilities));
  return problems;
}

/** Resolves limits over the defaults and validates everything once; throws a `FrontDoorOptionsError` that lists all problems. */
export function validateFrontDoorOptions(options: FrontDoorOptions): FrontDoorLimits {
  if (typeof options !== 'object' || options === null) throw new FrontDoorOptionsError(['the options must be an object with backends and models']);
  const problems: string[] = [];
  for (const [prefix, given, types] of [['', options, OPTION_TYPES], ['hooks.', options.hooks ?? {}, HOOK_TYPES]] as const) {
    const unknown = describeUnknownOption(given, types);
    if (unknown !== undefined) problems.push(prefix + unknown);
    const wrong = describeWrongOption(given, types);
    // What has another type cannot be looked into.
    if (wrong !== undefined) throw new FrontDoorOptionsError([...problems, prefix + wrong]);
  }
  const limits: FrontDoorLimits = { ...DEFAULT_FRONT_DOOR_LIMITS, ...options.limits };
  for (const name of ['backends', 'models'] as const) if (options[name] === undefined) problems.push(`${name} must be given`);
  for (const [name, value] of Object.entries(limits)) {
    const problem = name in DEFAULT_FRONT_DOOR_LIMITS
      ? positiveIntegerProblem(`limits.${name}`, value, name === 'keepAliveMs' || name === 'maxSilenceMs' ? 0 : 1)
      : `limits.${name} is not a limit; the limits are ${Object.keys(DEFAULT_FRONT_DOOR_LIMITS).join(', ')}`;
    if (problem !== undefined) problems.push(problem);
  }
  const maxTokensProblem = options.maxOutputTokens === undefined ? undefined : positiveIntegerProblem('maxOutputTokens', options.maxOutputTokens);
  if (maxTokensProblem !== undefined) problems.push(maxTokensProblem);
  for (const [name, backend] of Object.entries(options.backends ?? {})) {
    const problem = backendProblem(name, backend);
    if (problem !== undefined) problems.push(problem);
  }
  options.models?.forEach((route, index) => { problems.push(...routeProblems(route, index, options.backends ?? {})); });
  options.capabilities?.forEach((rule, index) => { problems.push(...ruleProblems(rule, index)); });
  for (const group of options.relayGroups ?? DEFAULT_RELAY_GROUPS) {
    if (!RELAY_GROUPS.includes(group)) problems.push(`relayGroups must hold only ${RELAY_GROUPS.join(', ')}, received ${JSON.stringify(group)}`);
  }
  if (options.prefix !== undefined && !PREFIX_PATTERN.test(options.prefix)) problems.push(`prefix must be a path such as /openai/v1, received ${JSON.stringify(options.prefix)}`);
  if (problems.length > 0) throw new FrontDoorOptionsError(problems);
  return limits;
}
