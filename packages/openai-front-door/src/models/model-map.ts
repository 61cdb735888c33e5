import { FrontDoorError } from '../errors/front-door-error.ts';
import { capabilitiesOf, type ModelCapabilities, type ModelCapabilityRegistry } from './model-capabilities.ts';
import { matchesGlob } from './matches-glob.ts';

/** One line of the model map: which backend serves a model, under which name, and what it accepts. */
export interface ModelRoute {
  /** A model name as clients send it; `*` stands for any run of characters. */
  readonly match: string;
  /** A key of `backends`. */
  readonly backend: string;
  /** The name the upstream knows it by; absent: the client's own. Not for an `openai` backend, whose requests are not changed. */
  readonly upstreamModel?: string;
  /** `max_tokens` where the client gives none; absent: the model's own default, else `maxOutputTokens`, else the most that the model writes. */
  readonly defaultMaxTokens?: number;
  /** Laid over what the registry says of the upstream model. */
  readonly capabilities?: Partial<ModelCapabilities>;
}

/** A model name resolved to where it goes. */
export interface ResolvedModel {
  readonly backend: string;
  readonly upstreamModel: string;
  readonly defaultMaxTokens: number;
  readonly capabilities: ModelCapabilities;
}

/** Answers which backend serves a model; the first matching line wins. */
export interface ModelMap {
  resolve(model: string): ResolvedModel | undefined;
  /** The lines that name one model without `*`, in order. */
  readonly aliases: readonly ModelRoute[];
}

/** The `max_tokens` of last resort, for a model whose output bound is not known. */
export const DEFAULT_MAX_OUTPUT_TOKENS = 8192;

/** The bound of a request that gives none: what is said of the model, else of all models, else the most that the model writes, as no bound means with OpenAI. */
function defaultBound(route: ModelRoute, capabilities: ModelCapabilities, maxOutputTokens: number | undefined): number {
  const most = capabilities.maxOutputTokens;
  const wanted = route.defaultMaxTokens ?? capabilities.defaultMaxTokens ?? maxOutputTokens ?? most ?? DEFAULT_MAX_OUTPUT_TOKENS;
  return most === undefined ? wanted : Math.min(wanted, most);
}

/** Builds a model map; the lines were validated with the other options. `maxOutputTokens` is the default of all models, if there is one. */
export function createModelMap(routes: readonly ModelRoute[], registry: ModelCapabilityRegistry, maxOutputTokens: number | undefined): ModelMap {
  return {
    aliases: routes.filter((route) => !route.match.includes('*')),
    resolve: (model) => {
      const route = routes.find((candidate) => matchesGlob(candidate.match, model));
      if (route === undefined) return undefined;
      const upstreamModel = route.upstreamModel ?? model;
      const capabilities = { ...capabilitiesOf(registry, upstreamModel), ...route.capabilities };
      return { backend: route.backend, upstreamModel, defaultMaxTokens: defaultBound(route, capabilities, maxOutputTokens), capabilities };
    },
  };
}

const LONGEST_SHOWN_NAME = 200;

/** The name in printable ASCII, for terminals and logs show the sentence that holds it. */
function showName(model: string): string {
  return JSON.stringify(model.slice(0, LONGEST_SHOWN_NAME)).slice(1, -1).replaceAll(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** OpenAI's answer for a model that the map does not know. */
export function modelNotFound(model: string): FrontDoorError {
  return new FrontDoorError('model_not_found', `The model '${showName(model)}' does not exist or you do not have access to it.`, { param: 'model' });
}
