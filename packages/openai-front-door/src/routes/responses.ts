import { FrontDoorError } from '../errors/front-door-error.ts';
import { createMessagesStream } from '../messages-core/messages-stream.ts';
import { createResponseEvents } from '../responses/response-events.ts';
import { ResponseWriter, type ResponseSettings } from '../responses/response-writer.ts';
import { readCountAnswer } from '../translation/read-answer.ts';
import type { ReadModelRequest, ResponseWish } from '../translation/read-model-request.ts';
import type { Exchange } from './exchange.ts';
import type { FrontDoor } from './front-door.ts';
import { handleModelRequest, nowSeconds, type ModelProtocol } from './model-request.ts';

function settingsOf({ limits }: FrontDoor, { names, echo }: ResponseWish): ResponseSettings {
  return { names, echo, created: nowSeconds(), maxBytes: limits.maxResponseBytes };
}

/** Reads a request; one that is relayed is so where its group is open. */
async function readFor(kind: 'response' | 'inputTokens', frontDoor: FrontDoor, json: Uint8Array, signal: AbortSignal): Promise<ReadModelRequest<ResponseWish>> {
  const read = await frontDoor.translator.run(kind, json, frontDoor.chatPlan, signal);
  if (read.kind === 'relayed' && !frontDoor.relayGroups.has('front_door')) {
    throw new FrontDoorError('not_found', `The backend of this model is of kind "openai", whose routes are switched off here: add "front_door" to ${frontDoor.settingNames.relayGroups} to switch them on.`);
  }
  return read;
}

const RESPONSES: ModelProtocol<ResponseWish> = {
  upstreamPath: '/v1/messages',
  isFree: false,
  read: (frontDoor, json, signal) => readFor('response', frontDoor, json, signal),
  readAnswer: (frontDoor, json, wish, signal) =>
    frontDoor.translator.run('responseAnswer', json, { ...settingsOf(frontDoor, wish), maxValues: frontDoor.limits.maxResponseValues }, signal),
  beginStream: (frontDoor, wish, measuresText) => createMessagesStream(new ResponseWriter(settingsOf(frontDoor, wish), createResponseEvents()), { measuresText }),
};

const INPUT_TOKENS: ModelProtocol<ResponseWish> = {
  ...RESPONSES,
  upstreamPath: '/v1/messages/count_tokens',
  isFree: true,
  read: (frontDoor, json, signal) => readFor('inputTokens', frontDoor, json, signal),
  readAnswer: ({ limits }, json) => Promise.resolve(readCountAnswer(json, { maxValues: limits.maxResponseValues })),
};

/** `POST /v1/responses/input_tokens`, by the upstream's `count_tokens`. */
export function handleInputTokens(frontDoor: FrontDoor, exchange: Exchange): Promise<void> {
  return handleModelRequest(frontDoor, exchange, INPUT_TOKENS);
}

/** `POST /v1/responses`. */
export function handleResponses(frontDoor: FrontDoor, exchange: Exchange): Promise<void> {
  return handleModelRequest(frontDoor, exchange, RESPONSES);
}
