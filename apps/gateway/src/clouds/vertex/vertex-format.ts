import { anthropicHeaderRules } from '@penstock/header-policy';
import { failureEvent } from '../../pipe/failure-event.ts';
import { GatewayError } from '../../request/gateway-error.ts';
import type { VertexConfig } from '../../config/sections/cloud-sections.ts';
import { cloudRoute, type CloudFormat } from '../cloud-format.ts';
import { createModelCheck, decodeModel } from '../served-models.ts';

const BASE = '/vertex/v1/projects/{project}/locations/{location}/publishers/anthropic/models';
const RAW_PREDICT = cloudRoute(`${BASE}/{id}:rawPredict`, 'message');
const STREAM_RAW_PREDICT = cloudRoute(`${BASE}/{id}:streamRawPredict`, 'stream');
const COUNT_TOKENS = cloudRoute(`${BASE}/count-tokens:rawPredict`, 'quick');

const TARGET = /^\/vertex\/v1\/projects\/([^/]+)\/locations\/([^/]+)\/publishers\/([^/]+)\/models\/([^/:]+):([A-Za-z]+)$/;
/** Names with an optional version: `claude-x@20250101`. */
const MODEL = /^[\w.@-]+$/;

/** Vertex AI's rawPredict (https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude). */
export function createVertexFormat({ models, project_id: ownProject, location: ownLocation }: VertexConfig): CloudFormat {
  return {
    side: 'vertex',
    routes: [RAW_PREDICT, STREAM_RAW_PREDICT, COUNT_TOKENS],
    provider: 'gcp.vertex_ai',
    requiresJsonType: true,
    query: 'alt=sse',
    headerRules: { ...anthropicHeaderRules, allowRequest: [...anthropicHeaderRules.allowRequest, 'x-goog-api-client', 'x-goog-request-params', 'x-vertex-ai-*'] },
    findTarget({ path, method }) {
      const [, project, location, publisher, id = '', action] = TARGET.exec(path) ?? [];
      const isStream = action === 'streamRawPredict';
      if (publisher === undefined || (!isStream && action !== 'rawPredict')) {
        throw new GatewayError('not_found', 'Not found: Vertex AI is served here under /vertex/v1/projects/{project}/locations/{location}/publishers/anthropic/models/{id}:rawPredict and :streamRawPredict. The base URL of a client ends in /vertex/v1.');
      }
      if (publisher !== 'anthropic') throw new GatewayError('not_found', 'Not found: only models of the publisher anthropic are served here.');
      if (method !== 'POST') throw new GatewayError('method_not_allowed', `Method ${method} is not allowed for this path.`, { allow: ['POST'] });
      if (project !== ownProject) throw new GatewayError('forbidden', 'The project in the path is not the one of this gateway: set the project of this client to the gateway\'s (vertex.project_id).');
      if (location !== ownLocation) throw new GatewayError('not_found', `The location in the path is not served here: set the region of this client to ${ownLocation}.`);
      if (id === 'count-tokens' && !isStream) return { route: COUNT_TOKENS, model: undefined };
      return { route: isStream ? STREAM_RAW_PREDICT : RAW_PREDICT, model: decodeModel(id, (decoded) => MODEL.test(decoded)) };
    },
    checkModel: createModelCheck('vertex', models, (id) => id.startsWith('claude-')),
    failureEvent: (failure, requestId) => failureEvent('vertex', failure, requestId),
  };
}
