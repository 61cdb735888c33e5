import { invalidRequest } from '../http/api-error.ts';
import { jsonAnswer, type Answer } from '../http/answer.ts';
import type { Exchange } from '../http/exchange.ts';
import { textOf, type JsonObject } from '../json.ts';
import { tokensOfText } from '../messages/count-tokens.ts';
import { paceEvents, wholeAnswerDelay } from '../messages/pace-events.ts';
import { cutIntoPieces, writeProse } from '../messages/prose.ts';
import { encodeEvent, PING_EVENT, type StreamEvent } from '../messages/render-events.ts';
import { scenarioError } from '../scenarios/scenario-errors.ts';
import { apiIdentifier, createSeededRandom, type SeededRandom } from '../seeded-random.ts';
import type { Simulation } from '../simulation.ts';
import { checkInteger, checkString, firstOf } from '../validation/schema-checks.ts';
import { streamAnswer } from './message-routes.ts';
import { readJson } from './read-json.ts';
import type { Route } from './route.ts';

const HUMAN = '\n\nHuman:';

/** The legacy `POST /v1/complete`. */
export function completeRoutes(simulation: Simulation): readonly Route[] {
  return [{ method: 'POST', pattern: '/v1/complete', answer: (exchange) => answerComplete(simulation, exchange) }];
}

function answerComplete(simulation: Simulation, exchange: Exchange): Answer {
  const parsed = readJson(exchange);
  if (!parsed.ok) return parsed.answer;
  const request = parsed.value;
  const problem = checkComplete(request);
  if (problem !== undefined) return invalidRequest(exchange.requestId, problem);
  const refused = scenarioError(textOf(request['model']), exchange.requestId, simulation.rateLimits);
  if (refused !== undefined) return refused;
  const { stream: _rendering, ...question } = request;
  const random = createSeededRandom('complete', JSON.stringify(question));
  const id = apiIdentifier('compl', random);
  const text = ` ${writeProse(random, 2)}`;
  const frame = (completion: string, isLast: boolean): JsonObject => ({
    type: 'completion', id, completion, stop_reason: isLast ? 'stop_sequence' : null, model: request['model'], stop: isLast ? HUMAN : null, log_id: id,
  });
  const { pacing } = simulation.options;
  if (request['stream'] !== true) return jsonAnswer(frame(text, true), { headDelayMs: wholeAnswerDelay(tokensOfText(text), pacing), headerFamily: 'inference' });
  return streamAnswer({ [Symbol.iterator]: () => paceEvents(completionEvents(text, frame, random), pacing) });
}

function* completionEvents(text: string, frame: (completion: string, isLast: boolean) => JsonObject, random: SeededRandom): Generator<StreamEvent> {
  for (const [index, piece] of cutIntoPieces(text, random).entries()) {
    yield { bytes: encodeEvent(frame(piece, false), random), tokens: tokensOfText(piece) };
    if (index === 0) yield { bytes: PING_EVENT, tokens: 0 };
  }
  yield { bytes: encodeEvent(frame('', true), random), tokens: 0 };
}

function checkComplete(request: JsonObject): string | undefined {
  const prompt = textOf(request['prompt']);
  return firstOf(
    () => checkString('model', request['model']),
    () => checkString('prompt', request['prompt']),
    () => checkInteger('max_tokens_to_sample', request['max_tokens_to_sample'], 1),
    () => prompt.includes(HUMAN) ? undefined : 'prompt must start with "\n\nHuman:" turn after an optional system prompt',
    () => prompt.trimEnd().endsWith('Assistant:') ? undefined : 'prompt must end with "\n\nAssistant:" turn',
  );
}
