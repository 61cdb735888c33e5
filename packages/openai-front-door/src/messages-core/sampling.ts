import { invalidType, invalidValue, member, optionalNumber, requireString, type JsonObject } from '../json/json-value.ts';
import { hasText } from './content-parts.ts';
import type { TranslationScope } from './translation-scope.ts';

/** The upstream's sampling members. */
export interface Sampling {
  readonly temperature?: number;
  readonly top_p?: number;
}

function inRange(request: JsonObject, name: string, maximum: number, scope: TranslationScope): number | undefined {
  const value = optionalNumber(request, name);
  if (value === undefined) return undefined;
  if (!(value >= 0 && value <= maximum)) throw invalidValue(name, `expected a number from 0 to ${maximum}`);
  // OpenAI's temperature reaches 2, the upstream's 1.
  if (value > 1) scope.ignore(name);
  return Math.min(value, 1);
}

/** Translates `temperature` and `top_p` by what the model takes; every clamp and drop is reported. */
export function translateSampling(request: JsonObject, isThinking: boolean, scope: TranslationScope): Sampling {
  const temperature = inRange(request, 'temperature', 2, scope);
  const topP = inRange(request, 'top_p', 1, scope);
  const { rejectsSampling, exclusiveSampling } = scope.settings.capabilities;
  if (rejectsSampling || isThinking) {
    // 1 is what a request without them gets.
    if (temperature !== undefined && optionalNumber(request, 'temperature') !== 1) scope.ignore('temperature');
    if (topP !== undefined && topP !== 1) scope.ignore('top_p');
    return {};
  }
  if (temperature !== undefined && topP !== undefined && exclusiveSampling) {
    if (topP !== 1) scope.ignore('top_p');
    return { temperature };
  }
  return { ...(temperature === undefined ? {} : { temperature }), ...(topP === undefined ? {} : { top_p: topP }) };
}

/** Translates `stop`; sequences without a visible character are refused upstream, so they are dropped and reported. */
export function translateStop(request: JsonObject, scope: TranslationScope): readonly string[] {
  const stop = member(request, 'stop');
  if (stop === undefined) return [];
  if (typeof stop !== 'string' && !Array.isArray(stop)) throw invalidType('stop', 'a string or an array of strings', stop);
  const given: readonly unknown[] = typeof stop === 'string' ? [stop] : stop;
  const sequences = given.map((sequence, index) => requireString(sequence, typeof stop === 'string' ? 'stop' : `stop[${index}]`));
  const visible = sequences.filter(hasText);
  if (visible.length < sequences.length) scope.ignore('stop');
  return visible;
}

/** The output bound: the first that the request gives, else the model's default. One above what the model writes is lowered to that and reported: no answer changes by it. */
export function translateMaxTokens(request: JsonObject, scope: TranslationScope): number {
  const { maxOutputTokens = Number.POSITIVE_INFINITY } = scope.settings.capabilities;
  let chosen: number | undefined;
  for (const name of scope.names.maxTokens) {
    const value = optionalNumber(request, name);
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value) || value < 1) throw invalidValue(name, 'expected a positive integer');
    if (chosen === undefined && value > maxOutputTokens) scope.ignore(name);
    chosen ??= Math.min(value, maxOutputTokens);
  }
  return chosen ?? scope.settings.defaultMaxTokens;
}
