import { Buffer } from 'node:buffer';
import { isFrontDoorError } from '../errors/front-door-error.ts';
import { capabilitiesUnder } from '../models/model-capabilities.ts';
import { createModelMap, modelNotFound } from '../models/model-map.ts';
import { parseJsonRequest, requireModel } from '../json/parse-json-request.ts';
import { translateRequest, type TranslatedRequest } from '../chat/translate-request.ts';
import type { JsonObject } from '../json/json-value.ts';
import type { ChatPlan } from './chat-plan.ts';
import { describeRefusal, type Refusal } from './refusal.ts';
import { relayedFacts, type RelayedFacts } from './relayed-facts.ts';

/** How an answer is to be written: all that is kept of a request once it was sent. */
export type AnswerWish = Omit<TranslatedRequest, 'body'>;

/** A chat request that was read: translated for a Messages backend, to be passed on as it came, or refused for something else than its model. */
export type ReadChat =
  | { readonly kind: 'refused'; readonly model: string; readonly refusal: Refusal }
  | { readonly kind: 'translated'; readonly backend: string; readonly model: string; readonly body: Uint8Array; readonly wish: AnswerWish }
  | { readonly kind: 'relayed'; readonly backend: string; readonly model: string; readonly json: Uint8Array; readonly facts: RelayedFacts };

/** Reads a chat request from its JSON text. Throws the `FrontDoorError` that the client gets where no model can be read. */
export function readChat(json: Uint8Array, plan: ChatPlan): ReadChat {
  const request = parseJsonRequest(json, plan.maxRequestValues);
  const model = requireModel(request);
  try {
    return readFor(model, request, json, plan);
  } catch (error) {
    // The model is known, and is logged with what the request is refused for.
    if (isFrontDoorError(error)) return { kind: 'refused', model, refusal: describeRefusal(error) };
    throw error;
  }
}

function readFor(model: string, request: JsonObject, json: Uint8Array, plan: ChatPlan): ReadChat {
  const resolved = createModelMap(plan.models, plan.capabilities, plan.maxOutputTokens).resolve(model);
  if (resolved === undefined || !Object.hasOwn(plan.versions, resolved.backend)) throw modelNotFound(model);
  const { backend } = resolved;
  const version = plan.versions[backend];
  if (version === undefined) return { kind: 'relayed', backend, model, json, facts: relayedFacts(request) };
  const { body, ...wish } = translateRequest(request, { ...plan, ...resolved, capabilities: capabilitiesUnder(version, resolved.capabilities) });
  return { kind: 'translated', backend, model, body: Buffer.from(body), wish };
}
