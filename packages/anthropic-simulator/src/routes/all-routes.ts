import { bytesAnswer } from '../http/answer.ts';
import type { Simulation } from '../simulation.ts';
import { cloudRoutes } from '../clouds/cloud-routes.ts';
import { batchRoutes } from './batch-routes.ts';
import { completeRoutes } from './complete-routes.ts';
import { fileRoutes } from './file-routes.ts';
import { answerCountTokens, answerMessages, messageRoutes } from './message-routes.ts';
import { modelRoutes } from './model-routes.ts';
import { skillRoutes } from './skill-routes.ts';
import type { Route } from './route.ts';

/** Every route of the simulated data plane; anything else is 404 in the API's shape. */
export function allRoutes(simulation: Simulation): readonly Route[] {
  return [
    ...messageRoutes(simulation),
    ...modelRoutes(simulation),
    ...batchRoutes(simulation),
    ...fileRoutes(simulation),
    ...skillRoutes(simulation),
    ...completeRoutes(simulation),
    ...cloudRoutes(simulation, { answerMessages: (exchange) => answerMessages(simulation, exchange), answerCountTokens }),
    { method: 'HEAD', pattern: '/api/hello', answer: () => bytesAnswer(Buffer.alloc(0), 'text/plain') },
  ];
}
