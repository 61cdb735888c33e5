import { invalidRequest, notFound } from '../http/api-error.ts';
import { jsonAnswer, type Answer, type BodyPart } from '../http/answer.ts';
import type { Exchange } from '../http/exchange.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { apiIdentifier } from '../seeded-random.ts';
import type { Simulation } from '../simulation.ts';
import { checkBatchRequests } from '../validation/check-batch.ts';
import { validateMessagesRequest } from '../validation/validate-messages-request.ts';
import { validationHeaders, type ValidationHeaders } from '../validation/validation-headers.ts';
import { cancelBatch, endBatch, renderBatch, type Batch, type BatchEntry, type BatchOutcome } from './batch-store.ts';
import { answerWhole } from './message-routes.ts';
import { answerIdPage } from './paging.ts';
import { readJson } from './read-json.ts';
import type { Route } from './route.ts';

const POLL_AGAIN_SECONDS = '10';

/** `/v1/messages/batches` and everything below it. */
export function batchRoutes(simulation: Simulation): readonly Route[] {
  const batches = new Map<string, Batch>();
  const { clock } = simulation.options;
  const show = (batch: Batch): JsonObject & { readonly id: string } => renderBatch(batch, simulation.publicOrigin());
  const withBatch = (answer: (exchange: Exchange, batch: Batch) => Answer) => (exchange: Exchange, id: string): Answer => {
    const batch = batches.get(id);
    return batch === undefined ? notFound(exchange.requestId, `Batch ${id} not found`) : answer(exchange, batch);
  };
  return [
    { method: 'POST', pattern: '/v1/messages/batches', answer: (exchange) => createBatch(simulation, batches, exchange) },
    { method: 'GET', pattern: '/v1/messages/batches', answer: (exchange) => answerIdPage(exchange, [...batches.values()].toReversed().map(show)) },
    {
      method: 'GET', pattern: '/v1/messages/batches/{id}', answer: withBatch((_exchange, batch) => {
        if (batch.status !== 'ended' && batch.pollsLeft === 0) endBatch(batch, clock);
        else if (batch.status !== 'ended') batch.pollsLeft -= 1;
        const answer = jsonAnswer(show(batch));
        return batch.status === 'ended' ? answer : { ...answer, headers: [...answer.headers, ['retry-after', POLL_AGAIN_SECONDS]] };
      }),
    },
    {
      method: 'POST', pattern: '/v1/messages/batches/{id}/cancel', answer: withBatch((exchange, batch) => {
        if (batch.status === 'ended') return invalidRequest(exchange.requestId, `Batch ${batch.id} has already ended and cannot be canceled`);
        cancelBatch(batch, clock);
        return jsonAnswer(show(batch));
      }),
    },
    {
      method: 'DELETE', pattern: '/v1/messages/batches/{id}', answer: withBatch((exchange, batch) => {
        if (batch.status !== 'ended') return invalidRequest(exchange.requestId, `Batch ${batch.id} is still being processed; cancel it before deleting it`);
        batches.delete(batch.id);
        return jsonAnswer({ id: batch.id, type: 'message_batch_deleted' });
      }),
    },
    {
      method: 'GET', pattern: '/v1/messages/batches/{id}/results', answer: withBatch((exchange, batch) =>
        batch.status === 'ended' ? resultsAnswer(simulation, batch) : invalidRequest(exchange.requestId, `Batch ${batch.id} has not ended yet; its results are not available`)),
    },
  ];
}

function createBatch(simulation: Simulation, batches: Map<string, Batch>, exchange: Exchange): Answer {
  const parsed = readJson(exchange);
  if (!parsed.ok) return parsed.answer;
  const problem = checkBatchRequests(parsed.value);
  if (problem !== undefined) return invalidRequest(exchange.requestId, problem);
  const headers = validationHeaders(exchange);
  const requests = Array.isArray(parsed.value['requests']) ? parsed.value['requests'].filter(isJsonObject) : [];
  const entries = requests.map((item): BatchEntry => {
    const params = isJsonObject(item['params']) ? item['params'] : {};
    return { customId: String(item['custom_id']), params, outcome: outcomeOf(params, headers) };
  });
  const batch: Batch = {
    id: apiIdentifier('msgbatch', simulation.random), createdAt: simulation.options.clock.now(), entries,
    status: 'in_progress', pollsLeft: simulation.options.batchPolls, endedAt: undefined, cancelInitiatedAt: undefined,
  };
  batches.set(batch.id, batch);
  return jsonAnswer(renderBatch(batch, simulation.publicOrigin()));
}

function outcomeOf(params: JsonObject, headers: ValidationHeaders): BatchOutcome {
  if (params['model'] === 'sim-expired') return 'expired';
  return validateMessagesRequest(params, headers) === undefined ? 'succeeded' : 'errored';
}

function resultsAnswer(simulation: Simulation, batch: Batch): Answer {
  return {
    status: 200,
    headers: [
      ['Content-Type', 'application/x-jsonl'],
      ['content-disposition', `attachment; filename*=utf-8''${batch.id}_results.jsonl`],
    ],
    // Lines are made while they are sent: a batch of 100,000 results never exists as a whole.
    body: { [Symbol.iterator]: () => resultLines(simulation, batch) },
    headDelayMs: 0, headerFamily: 'plain', isCompressible: true,
  };
}

/** The results, last request first: their order means nothing, and a client that thinks otherwise should notice. */
function* resultLines(simulation: Simulation, batch: Batch): Generator<BodyPart> {
  for (const entry of batch.entries.toReversed()) {
    yield { bytes: Buffer.from(`${JSON.stringify({ custom_id: entry.customId, result: resultOf(simulation, entry) })}\n`), delayMs: 0 };
  }
}

function resultOf(simulation: Simulation, entry: BatchEntry): JsonObject {
  if (entry.outcome === 'succeeded') return { type: 'succeeded', message: answerWhole(simulation, entry.params, 'batch') };
  if (entry.outcome !== 'errored') return { type: entry.outcome };
  const message = validateMessagesRequest(entry.params)?.message ?? 'The request was refused under the headers of its batch';
  return { type: 'errored', error: { type: 'error', error: { type: 'invalid_request_error', message }, request_id: null } };
}
