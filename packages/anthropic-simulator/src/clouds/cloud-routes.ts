import { Buffer } from 'node:buffer';
import { apiError, invalidRequest } from '../http/api-error.ts';
import { jsonAnswer, type Answer } from '../http/answer.ts';
import { headerOf, type Exchange } from '../http/exchange.ts';
import { isJsonObject, textOf, type JsonObject } from '../json.ts';
import { readJson } from '../routes/read-json.ts';
import type { Route } from '../routes/route.ts';
import { modelCatalog } from '../scenarios/model-catalog.ts';
import type { Simulation } from '../simulation.ts';
import { BEDROCK_BODY, BEDROCK_COUNT_BODY, convertRequest, modelOf, VERTEX_BODY, VERTEX_COUNT_BODY, type CloudBody } from './cloud-request.ts';

/** The two operations of the API that the clouds serve in formats of their own. */
export interface MessageOperations {
  readonly answerMessages: (exchange: Exchange) => Answer;
  readonly answerCountTokens: (exchange: Exchange) => Answer;
}

/** The routes of Amazon Bedrock (InvokeModel) and Vertex AI (rawPredict), in front of the same scenarios. */
export function cloudRoutes(simulation: Simulation, { answerMessages, answerCountTokens }: MessageOperations): readonly Route[] {
  const { apiKeys } = simulation.options;
  const guard = (answer: Route['answer']): Route['answer'] => (exchange, ...parameters) => (isAdmitted(exchange, apiKeys) ? answer(exchange, ...parameters) : apiError(401, exchange.requestId, { message: 'The security token included in the request is invalid.' }));
  const convert = (exchange: Exchange, cloud: CloudBody, members: JsonObject, operation: (converted: Exchange) => Answer): Answer => {
    const converted = convertRequest(exchange, cloud, members);
    return converted.ok ? operation(converted.exchange) : converted.answer;
  };
  const invoke = (stream: boolean): Route['answer'] => (exchange, id = '') => convert(exchange, BEDROCK_BODY, { model: modelOf(id), stream }, answerMessages);
  const predict: Route['answer'] = (exchange, _project, _location, target = '') => {
    const [id = '', verb] = target.split(':');
    if (verb !== 'rawPredict' && verb !== 'streamRawPredict') return apiError(404, exchange.requestId);
    if (id === 'count-tokens') return convert(exchange, VERTEX_COUNT_BODY, {}, answerCountTokens);
    return convert(exchange, VERTEX_BODY, { model: modelOf(id) }, answerMessages);
  };
  return [
    { method: 'POST', pattern: '/model/{id}/invoke', answer: guard(invoke(false)) },
    { method: 'POST', pattern: '/model/{id}/invoke-with-response-stream', answer: guard(invoke(true)) },
    { method: 'POST', pattern: '/model/{id}/count-tokens', answer: guard((exchange, id = '') => countBedrock(exchange, (inner) => convert(inner, BEDROCK_COUNT_BODY, { model: modelOf(id) }, answerCountTokens))) },
    { method: 'GET', pattern: '/inference-profiles', answer: guard(() => jsonAnswer({ inferenceProfileSummaries: modelCatalog([]).filter(({ id }) => id.startsWith('claude-')).map(({ id }) => profileOf(id)) })) },
    { method: 'POST', pattern: '/v1/projects/{project}/locations/{location}/publishers/anthropic/models/{target}', hasOwnHeaders: true, answer: guard(predict) },
  ];
}

/** Unwraps the body that is counted, and gives the count the name it has here. */
function countBedrock(exchange: Exchange, count: (inner: Exchange) => Answer): Answer {
  const parsed = readJson(exchange);
  if (!parsed.ok) return parsed.answer;
  const { input } = parsed.value;
  const invoked = isJsonObject(input) ? input['invokeModel'] : undefined;
  if (!isJsonObject(invoked)) return invalidRequest(exchange.requestId, 'Malformed input request: input.invokeModel is required');
  const counted = count({ ...exchange, body: Buffer.from(textOf(invoked['body']), 'base64') });
  if (counted.status !== 200) return counted;
  const { input_tokens: inputTokens } = JSON.parse(Buffer.concat(Array.from(counted.body, ({ bytes }) => bytes)).toString('utf8')) as { readonly input_tokens: number };
  return jsonAnswer({ inputTokens });
}

function profileOf(id: string): JsonObject {
  // Models that are named by a date have a version as well.
  const model = /-\d{8}$/.test(id) ? `anthropic.${id}-v1:0` : `anthropic.${id}`;
  const profile = `us.${model}`;
  return {
    inferenceProfileId: profile, inferenceProfileName: `US ${id}`, inferenceProfileArn: `arn:aws:bedrock:us-east-1:123456789012:inference-profile/${profile}`,
    models: [{ modelArn: `arn:aws:bedrock:us-east-1::foundation-model/${model}` }], status: 'ACTIVE', type: 'SYSTEM_DEFINED',
  };
}

/** With `apiKeys`, a bearer must be one of them, or the access key id of a signature; the signature itself is not verified. */
function isAdmitted(exchange: Exchange, apiKeys: readonly string[] | undefined): boolean {
  if (apiKeys === undefined) return true;
  const authorization = headerOf(exchange, 'authorization') ?? '';
  const credential = /^Bearer +(.*)$/i.exec(authorization)?.[1] ?? /^AWS4-HMAC-SHA256 Credential=([^/]+)\//.exec(authorization)?.[1];
  return credential !== undefined && apiKeys.includes(credential);
}
