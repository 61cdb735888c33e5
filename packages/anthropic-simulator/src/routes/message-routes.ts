import { apiError, invalidRequest, notFound } from '../http/api-error.ts';
import { jsonAnswer, type Answer, type BodyPart } from '../http/answer.ts';
import { acceptsGzip } from '../http/encode-body.ts';
import { headerOf, type Exchange } from '../http/exchange.ts';
import { isJsonObject, textOf, type JsonObject } from '../json.ts';
import { bindThinking } from '../messages/bound-thinking.ts';
import { countInputTokens } from '../messages/count-tokens.ts';
import type { MessagePlan, Pacing } from '../messages/message-plan.ts';
import { paceEvents, wholeAnswerDelay } from '../messages/pace-events.ts';
import { createPromptCache } from '../messages/prompt-cache.ts';
import { renderEvents } from '../messages/render-events.ts';
import { renderMessage, type MessageIdentity } from '../messages/render-message.ts';
import type { ReplyContent } from '../programmed-answers.ts';
import { replyWith } from '../scenarios/reply-scenario.ts';
import { scenarioOf } from '../scenarios/scenario-catalog.ts';
import { scenarioError } from '../scenarios/scenario-errors.ts';
import { apiIdentifier, createSeededRandom } from '../seeded-random.ts';
import type { Simulation } from '../simulation.ts';
import { validateCountTokensRequest, validateMessagesRequest } from '../validation/validate-messages-request.ts';
import { modelRules } from '../validation/model-rules.ts';
import { validationHeaders } from '../validation/validation-headers.ts';
import { readJson } from './read-json.ts';
import type { Route } from './route.ts';

/** `POST /v1/messages` and `POST /v1/messages/count_tokens`. */
export function messageRoutes(simulation: Simulation): readonly Route[] {
  return [
    { method: 'POST', pattern: '/v1/messages', answer: (exchange) => answerMessages(simulation, exchange) },
    { method: 'POST', pattern: '/v1/messages/count_tokens', answer: answerCountTokens },
  ];
}

/** The finished message of a valid request, as a batch stores it. */
export function answerWhole(simulation: Simulation, request: JsonObject, serviceTier: MessageIdentity['serviceTier']): JsonObject {
  const { plan, identity } = plannedAnswer(simulation, request, serviceTier);
  return renderMessage(plan, identity);
}

/** Answers a request of `POST /v1/messages`. */
export function answerMessages(simulation: Simulation, exchange: Exchange): Answer {
  const parsed = readJson(exchange);
  if (!parsed.ok) return parsed.answer;
  const resumed = simulation.threads.resume(parsed.value);
  if (!resumed.ok) return apiError(resumed.status, exchange.requestId, resumed);
  const { request } = resumed;
  const failure = validateMessagesRequest(request, validationHeaders(exchange));
  if (failure !== undefined) return invalidRequest(exchange.requestId, failure.message);
  const replayed = answerRecording(simulation, exchange, textOf(request['model']));
  if (replayed !== undefined) return replayed;
  const refused = scenarioError(textOf(request['model']), exchange.requestId, simulation.rateLimits);
  if (refused !== undefined) return refused;
  const { plan, identity } = plannedAnswer(simulation, request, 'standard', exchange.reply);
  const isWithinLimits = simulation.rateLimits.take(identity.input.inputTokens, plan.outputTokens);
  if (!isWithinLimits && simulation.options.enforceRateLimits) return rateLimited(simulation, exchange);
  simulation.threads.keep(request, { id: identity.id, content: plan.blocks.map(({ block }) => block), stopReason: plan.stopReason });
  const pacing: Pacing = { ...simulation.options.pacing, ...plan.pacing };
  if (request['stream'] !== true) {
    if (plan.errorAfterEvents !== undefined) return apiError(529, exchange.requestId);
    return jsonAnswer(renderMessage(plan, identity), { headerFamily: 'inference', headDelayMs: wholeAnswerDelay(plan.outputTokens, pacing) });
  }
  const random = createSeededRandom('events', exchange.body);
  return streamAnswer({ [Symbol.iterator]: () => paceEvents(renderEvents(plan, identity, random, exchange.requestId), pacing) });
}

const RECORDING_MODEL = 'sim-recording:';

/** A model called `sim-recording:NAME` replays that recording. */
function answerRecording(simulation: Simulation, exchange: Exchange, model: string): Answer | undefined {
  if (!model.startsWith(RECORDING_MODEL)) return undefined;
  const name = model.slice(RECORDING_MODEL.length);
  return simulation.recordings.answer(name, acceptsGzip(headerOf(exchange, 'accept-encoding'))) ?? notFound(exchange.requestId, `no recording is called ${name}`);
}

/** A `text/event-stream` answer. */
export function streamAnswer(body: Iterable<BodyPart>): Answer {
  return {
    status: 200,
    headers: [['Content-Type', 'text/event-stream; charset=utf-8'], ['Cache-Control', 'no-cache']],
    body, headDelayMs: 0, headerFamily: 'inference', isCompressible: true,
  };
}

function plannedAnswer(simulation: Simulation, request: JsonObject, serviceTier: MessageIdentity['serviceTier'], reply?: ReplyContent): { readonly plan: MessagePlan; readonly identity: MessageIdentity } {
  const model = textOf(request['model']);
  // Without `stream`, so that the same question gets the same answer in both renderings.
  const { stream: _rendering, ...question } = request;
  const random = createSeededRandom('message', JSON.stringify(question));
  const id = apiIdentifier('msg', random);
  const plan = (reply === undefined ? scenarioOf(model) : replyWith(reply))({ request, model, random, maxTokens: Number(request['max_tokens']) });
  const { bindsThinking } = modelRules(model);
  const blocks = bindsThinking ? bindThinking(plan.blocks, request) : plan.blocks;
  const managed = isJsonObject(request['context_management']) ? { contextManagement: { applied_edits: [] } } : {};
  // A batch has a cache of its own, so that its results do not depend on when they are fetched.
  const cache = serviceTier === 'batch' ? createPromptCache(simulation.options.clock) : simulation.promptCache;
  return { plan: { ...managed, ...plan, blocks }, identity: { id, model, input: cache.account(model, request), serviceTier } };
}

/** Answers a request of `POST /v1/messages/count_tokens`. */
export function answerCountTokens(exchange: Exchange): Answer {
  const parsed = readJson(exchange);
  if (!parsed.ok) return parsed.answer;
  const failure = validateCountTokensRequest(parsed.value, validationHeaders(exchange));
  if (failure !== undefined) return invalidRequest(exchange.requestId, failure.message);
  return jsonAnswer({ input_tokens: countInputTokens(parsed.value) });
}

function rateLimited(simulation: Simulation, exchange: Exchange): Answer {
  return apiError(429, exchange.requestId, {
    headers: [['retry-after', String(simulation.rateLimits.retryAfterSeconds())], ...simulation.rateLimits.headers()],
  });
}
