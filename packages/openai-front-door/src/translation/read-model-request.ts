import { Buffer } from 'node:buffer';
import { translateRequest, type TranslatedRequest } from '../chat/translate-request.ts';
import { isFrontDoorError } from '../errors/front-door-error.ts';
import { member, type JsonObject } from '../json/json-value.ts';
import { parseJsonRequest, requireModel } from '../json/parse-json-request.ts';
import type { TranslationSettings } from '../messages-core/translation-scope.ts';
import { capabilitiesUnder } from '../models/model-capabilities.ts';
import { createModelMap, modelNotFound } from '../models/model-map.ts';
import { translateInputTokensRequest, translateResponseRequest, type TranslatedResponseRequest } from '../responses/translate-response-request.ts';
import type { ChatPlan } from './chat-plan.ts';
import { describeRefusal, type Refusal } from './refusal.ts';
import { relayedFacts, type RelayedFacts } from './relayed-facts.ts';

/** How the answer to a chat request is to be written: all that is kept of a request once it was sent. */
export type ChatWish = Omit<TranslatedRequest, 'body'>;

/** The same of a Responses request. */
export type ResponseWish = Omit<TranslatedResponseRequest, 'body'>;

/** A request that was read: translated for a Messages backend, to be passed on as it came, or refused for something else than its model. */
export type ReadModelRequest<Wish> =
  | { readonly kind: 'refused'; readonly model: string; readonly refusal: Refusal }
  | { readonly kind: 'translated'; readonly backend: string; readonly model: string; readonly body: Uint8Array; readonly wish: Wish }
  | { readonly kind: 'relayed'; readonly backend: string; readonly model: string | undefined; readonly json: Uint8Array; readonly facts: RelayedFacts };

type Translate<Wish> = (request: JsonObject, settings: TranslationSettings) => Wish & { readonly body: string };

interface Reading<Wish> {
  readonly request: JsonObject;
  readonly json: Uint8Array;
  readonly plan: ChatPlan;
  readonly translate: Translate<Wish>;
}

function readFor<Wish>(model: string, { request, json, plan, translate }: Reading<Wish>): ReadModelRequest<Omit<Wish, 'body'>> {
  const resolved = createModelMap(plan.models, plan.capabilities, plan.maxOutputTokens).resolve(model);
  if (resolved === undefined || !Object.hasOwn(plan.versions, resolved.backend)) throw modelNotFound(model);
  const { backend } = resolved;
  const version = plan.versions[backend];
  if (version === undefined) return { kind: 'relayed', backend, model, json, facts: relayedFacts(request) };
  const { body, ...wish } = translate(request, { ...plan, ...resolved, capabilities: capabilitiesUnder(version, resolved.capabilities) });
  return { kind: 'translated', backend, model, body: Buffer.from(body), wish };
}

function readRequest<Wish>(reading: Reading<Wish>): ReadModelRequest<Omit<Wish, 'body'>> {
  const model = requireModel(reading.request);
  try {
    return readFor(model, reading);
  } catch (error) {
    // The model is known, and is logged with what the request is refused for.
    if (isFrontDoorError(error)) return { kind: 'refused', model, refusal: describeRefusal(error) };
    throw error;
  }
}

/** Reads a chat request from its JSON text. Throws the `FrontDoorError` that the client gets where no model can be read. */
export function readChat(json: Uint8Array, plan: ChatPlan): ReadModelRequest<ChatWish> {
  return readRequest({ request: parseJsonRequest(json, plan.maxRequestValues), json, plan, translate: translateRequest });
}

/** Reads a Responses request from its JSON text; one without a model is for the first backend that relays, where a stored prompt may name it. */
export function readResponse(json: Uint8Array, plan: ChatPlan): ReadModelRequest<ResponseWish> {
  return readResponseFor(json, plan, translateResponseRequest);
}

/** The same of a request for the input tokens of a response. */
export function readInputTokens(json: Uint8Array, plan: ChatPlan): ReadModelRequest<ResponseWish> {
  return readResponseFor(json, plan, translateInputTokensRequest);
}

function readResponseFor(json: Uint8Array, plan: ChatPlan, translate: Translate<TranslatedResponseRequest>): ReadModelRequest<ResponseWish> {
  const request = parseJsonRequest(json, plan.maxRequestValues);
  const [relaying] = Object.entries(plan.versions).find(([, version]) => version === undefined) ?? [];
  if (member(request, 'model') === undefined && relaying !== undefined) return { kind: 'relayed', backend: relaying, model: undefined, json, facts: relayedFacts(request) };
  return readRequest({ request, json, plan, translate });
}
