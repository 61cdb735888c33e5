import { anthropicHeaderRules } from '@penstock/header-policy';
import { encodeExceptionFrame } from '@penstock/sse-relay';
import { describeBreak } from '../../pipe/failure-event.ts';
import { GatewayError } from '../../request/gateway-error.ts';
import type { BedrockConfig } from '../../config/sections/cloud-sections.ts';
import { cloudRoute, type CloudFormat, type CloudRoute } from '../cloud-format.ts';
import { createModelCheck, decodeModel } from '../served-models.ts';

/** Operations of a model (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html). */
const OPERATIONS: Readonly<Record<string, CloudRoute>> = {
  'invoke': cloudRoute('/bedrock/model/{id}/invoke', 'message'),
  'invoke-with-response-stream': cloudRoute('/bedrock/model/{id}/invoke-with-response-stream', 'stream'),
  'count-tokens': cloudRoute('/bedrock/model/{id}/count-tokens', 'quick'),
};

const TARGET = /^\/bedrock\/model\/([^/]+)\/([^/]+)$/;
/** Ids, ids of inference profiles, and ARNs. A `..` or an empty part would be another path to a reader that decodes the slashes first. */
const MODEL = /^[\w.:-]+(?:\/[\w.:-]+)*$/;
/** Partitions of AWS (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html). */
const PARTITION = 'aws(?:-cn|-us-gov|-eusc|-iso|-iso-b|-iso-e|-iso-f)?';
/** us-east-1, us-gov-west-1, eusc-de-east-1, us-isob-east-1. */
const REGION = '(?:[a-z]{2}|eusc)(?:-gov|-de|-iso[a-z]?)?-(?:(?:north|south)(?:east|west)?|east|west|central)-\\d{1,2}';
/** What inference profiles begin with: a country, or a wider area. */
const AREA = '(?:[a-z]{2}|us-gov|apac|global)\\.';
/**
 * With or without the prefix of an inference profile, by itself or as the end of the ARN of one. No part before `anthropic.` has room for the name of a
 * model: patterns such as `*claude-haiku*` would fit the id of another model otherwise.
 */
const ANTHROPIC = new RegExp(`^(?:arn:${PARTITION}:bedrock:${REGION}:(?:\\d{12})?:(?:inference-profile|foundation-model)/)?(?:${AREA})?anthropic\\.[\\w.:-]+$`);

/** Amazon Bedrock's InvokeModel and CountTokens. */
export function createBedrockFormat({ models }: BedrockConfig): CloudFormat {
  return {
    side: 'bedrock',
    routes: Object.values(OPERATIONS),
    provider: 'aws.bedrock',
    // The SDK of AWS sends application/octet-stream, or nothing, unless its caller sets a type.
    requiresJsonType: false,
    query: undefined,
    headerRules: {
      allowRequest: [
        'anthropic-*', 'x-claude-*', 'x-stainless-*', 'x-app', 'x-amzn-bedrock-*', 'amz-sdk-invocation-id', 'amz-sdk-request',
        'accept', 'accept-encoding', 'accept-language', 'content-type', 'content-encoding', 'user-agent', 'traceparent', 'tracestate', 'baggage', 'via',
      ],
      denyResponse: anthropicHeaderRules.denyResponse ?? [],
      singletons: ['traceparent'],
      reliedOn: ['anthropic-*', 'x-amzn-bedrock-*'],
    },
    findTarget({ path, method }) {
      const [, id = '', operation = ''] = TARGET.exec(path) ?? [];
      const route = Object.hasOwn(OPERATIONS, operation) ? OPERATIONS[operation] : undefined;
      if (route === undefined) throw unknownPath(operation);
      if (method !== 'POST') throw new GatewayError('method_not_allowed', `Method ${method} is not allowed for this path.`, { allow: ['POST'] });
      return { route, model: decodeModel(id, (decoded) => MODEL.test(decoded) && !/(?:^|\/)\.{1,2}(?:\/|$)/.test(decoded)) };
    },
    checkModel: createModelCheck('bedrock', models, (id) => ANTHROPIC.test(id)),
    failureFrame: (failure) => {
      const [type, message] = describeBreak('bedrock', failure);
      return encodeExceptionFrame(type === 'timeout_error' ? 'modelTimeoutException' : 'internalServerException', message);
    },
  };
}

function unknownPath(operation: string): GatewayError {
  return new GatewayError('not_found', operation.startsWith('converse')
    ? 'Not found: of Bedrock\'s operations InvokeModel, InvokeModelWithResponseStream and CountTokens are served here. Converse is not: it has a format of its own.'
    : 'Not found: Bedrock is served here under /bedrock/model/{id}/invoke, /invoke-with-response-stream and /count-tokens.');
}
