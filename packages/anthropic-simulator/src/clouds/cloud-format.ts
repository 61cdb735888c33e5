import type { Answer } from '../http/answer.ts';
import { shapeBedrockAnswer } from './bedrock-answer.ts';
import type { ShapeContext } from './native-answer.ts';
import { shapeVertexAnswer } from './vertex-answer.ts';

/** A cloud whose wire format is not Anthropic's. */
export interface CloudFormat {
  /** Whether the path asks for a message, so that it takes the programmed answers of `POST /v1/messages`. */
  readonly isMessage: boolean;
  /** Makes the cloud's answer of the API's. */
  shape(answer: Answer, context: ShapeContext): Answer;
}

const VERTEX = /^\/v1\/projects\/[^/]+\/locations\/[^/]+\/publishers\/anthropic\/models\/([^/:]+):(?:rawPredict|streamRawPredict)$/;
const BEDROCK = /^\/model\/[^/]+\/(invoke|invoke-with-response-stream|count-tokens)$/;

/** The format of a path, or `undefined` where it is Anthropic's own. */
export function cloudFormatOf(path: string): CloudFormat | undefined {
  const operation = BEDROCK.exec(path)?.[1];
  if (operation !== undefined) return { isMessage: operation !== 'count-tokens', shape: shapeBedrockAnswer };
  const model = VERTEX.exec(path)?.[1];
  if (model !== undefined) return { isMessage: model !== 'count-tokens', shape: shapeVertexAnswer };
  return path === '/inference-profiles' ? { isMessage: false, shape: shapeBedrockAnswer } : undefined;
}

/** Amazon Bedrock (Mantle), Microsoft Foundry and a gateway serve the API itself below this. */
const PREFIX = '/anthropic';

/** The path as the API has it. */
export function nativePath(path: string): string {
  return path.startsWith(`${PREFIX}/v1/`) ? path.slice(PREFIX.length) : path;
}
