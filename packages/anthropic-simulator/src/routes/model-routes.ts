import { notFound } from '../http/api-error.ts';
import { jsonAnswer } from '../http/answer.ts';
import { modelCatalog } from '../scenarios/model-catalog.ts';
import type { Simulation } from '../simulation.ts';
import { answerIdPage } from './paging.ts';
import type { Route } from './route.ts';

/** `GET /v1/models` and `GET /v1/models/{id}`. */
export function modelRoutes(simulation: Simulation): readonly Route[] {
  const models = modelCatalog(simulation.options.models);
  return [
    { method: 'GET', pattern: '/v1/models', answer: (exchange) => answerIdPage(exchange, models) },
    {
      method: 'GET', pattern: '/v1/models/{model_id}',
      answer: (exchange, id) => {
        const model = models.find((candidate) => candidate.id === id);
        return model === undefined ? notFound(exchange.requestId, `model: ${id}`) : jsonAnswer(model);
      },
    },
  ];
}
