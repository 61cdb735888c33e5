import type { ModelCapabilities } from '../models/model-capabilities.ts';
import { DEFAULT_MAX_REQUEST_VALUES, outlineOf } from '../json/json-outline.ts';
import { invalidValue, isJsonObject, member, type JsonObject } from '../json/json-value.ts';
import { parseJsonExactly, TooManyNumbersError } from '../json/parse-json.ts';

/** How requests are translated for one model. */
export interface TranslationSettings {
  readonly upstreamModel: string;
  readonly capabilities: ModelCapabilities;
  readonly defaultMaxTokens: number;
  readonly laterSystemMessages: 'hoist' | 'inline';
  readonly jsonObjectFormat: 'reject' | 'ignore';
  readonly reasoningContent: boolean;
  /** The most JSON values that the texts of tool arguments may hold together. @defaultValue 500000 */
  readonly maxRequestValues?: number;
}

/** What a protocol calls the members that errors and reports name. */
export interface FieldNames {
  /** The conversation. */
  readonly turns: string;
  /** Where the definition of a tool stands. */
  readonly definition: string;
  readonly toolCallId: string;
  /** The schema that an answer is to follow. */
  readonly format: string;
  readonly effort: string;
  /** The bounds of the output, the first of which wins. */
  readonly maxTokens: readonly string[];
}

/** What the parts of one translation share. */
export interface TranslationScope {
  readonly settings: TranslationSettings;
  readonly names: FieldNames;
  /** Reports a request field that was dropped, clamped or moved. */
  ignore(param: string): void;
  /** Reports every member of an object that is not among those known there, as `path.member`; null asks for nothing. */
  ignoreOthers(object: JsonObject, known: ReadonlySet<string>, path: string): void;
  /** The fields reported so far, in order, each once. */
  ignored(): readonly string[];
  /** The `cache_control` that a part asks for, as a member to spread; at most four in one request. */
  cacheControl(part: JsonObject, param: string): { readonly cache_control?: JsonObject };
  /** Whether one more cache breakpoint may be sent. */
  hasBreakpointLeft(): boolean;
  /** Parses a JSON text that stands inside a text; `undefined` when it is none, the 400 when it holds too many values. */
  parseText(text: string, param: string): unknown;
}

/** The upstream refuses a fifth cache breakpoint. */
const MAX_CACHE_BREAKPOINTS = 4;

function requestedCacheControl(part: JsonObject, param: string): JsonObject | undefined {
  const own = member(part, 'cache_control');
  if (own !== undefined) {
    const ttl = isJsonObject(own) ? member(own, 'ttl') : undefined;
    const isValid = isJsonObject(own) && own['type'] === 'ephemeral' && (ttl === undefined || ttl === '5m' || ttl === '1h');
    if (!isValid) throw invalidValue(`${param}.cache_control`, 'expected {"type": "ephemeral"} with a ttl of "5m" or "1h"');
    return ttl === undefined ? { type: 'ephemeral' } : { type: 'ephemeral', ttl };
  }
  const breakpoint = member(part, 'prompt_cache_breakpoint');
  if (breakpoint === undefined) return undefined;
  if (!isJsonObject(breakpoint) || breakpoint['mode'] !== 'explicit') throw invalidValue(`${param}.prompt_cache_breakpoint`, 'expected {"mode": "explicit"}');
  return { type: 'ephemeral' };
}

/** More names than the report has room for; a request may have any number of them. */
const MAX_IGNORED = 1000;

/** A member's name may be as long as the body; the report has room for less. */
const LONGEST_IGNORED = 256;

const NO_NAMES: ReadonlySet<string> = new Set();

/** Begins one translation. */
export function createTranslationScope(settings: TranslationSettings, names: FieldNames): TranslationScope {
  const ignored = new Set<string>();
  let breakpoints = 0;
  let valuesLeft = settings.maxRequestValues ?? DEFAULT_MAX_REQUEST_VALUES;
  const ignore = (param: string): void => { if (ignored.size < MAX_IGNORED) ignored.add(param.slice(0, LONGEST_IGNORED)); };
  return {
    settings, names, ignore,
    ignoreOthers: (object, known, path) => {
      for (const name of Object.keys(object)) if (!known.has(name) && member(object, name) !== undefined) ignore(`${path}.${name}`);
    },
    ignored: () => [...ignored],
    cacheControl: (part, param) => {
      const cacheControl = requestedCacheControl(part, param);
      if (cacheControl === undefined) return {};
      breakpoints += 1;
      if (breakpoints > MAX_CACHE_BREAKPOINTS) throw invalidValue(`${param}.cache_control`, `at most ${MAX_CACHE_BREAKPOINTS} cache breakpoints are possible`);
      return { cache_control: cacheControl };
    },
    hasBreakpointLeft: () => breakpoints < MAX_CACHE_BREAKPOINTS,
    parseText: (text, param) => {
      const outline = outlineOf(text, NO_NAMES, valuesLeft);
      valuesLeft -= outline.values;
      if (valuesLeft < 0) throw invalidValue(param, 'the arguments of the request hold too many JSON values');
      if (outline.isTooDeep) throw invalidValue(param, 'the arguments are nested too deeply');
      try {
        return parseJsonExactly(text);
      } catch (error) {
        if (error instanceof TooManyNumbersError) throw invalidValue(param, 'the arguments hold too many numbers with more digits than can be kept');
        return undefined;
      }
    },
  };
}
