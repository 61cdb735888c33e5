import { FrontDoorError } from '../errors/front-door-error.ts';
import { createMessagesStream } from '../messages-core/messages-stream.ts';
import { createResponseEvents } from '../responses/response-events.ts';
import { ResponseWriter, type ResponseSettings } from '../responses/response-writer.ts';
import type { ResponseWish } from '../translation/read-model-request.ts';
import type { Exchange } from './exchange.ts';
import type { FrontDoor } from './front-door.ts';
import { handleModelRequest, nowSeconds, type ModelProtocol } from './model-request.ts';

function settingsOf({ limits }: FrontDoor, { names, echo }: ResponseWish): ResponseSettings {
  return { names, echo, created: nowSeconds(), maxBytes: limits.maxResponseBytes };
}

const RESPONSES: ModelProtocol<ResponseWish> = {
  read: async (frontDoor, json, signal) => {
    const read = await frontDoor.translator.run('response', json, frontDoor.chatPlan, signal);
    if (read.kind === 'relayed' && !frontDoor.relayGroups.has('front_door')) {
      throw new FrontDoorError('not_found', `The backend of this model is of kind "openai", whose routes are switched off here: add "front_door" to ${frontDoor.settingNames.relayGroups} to switch them on.`);
    }
    return read;
  },
  readAnswer: (frontDoor, json, wish, signal) =>
    frontDoor.translator.run('responseAnswer', json, { ...settingsOf(frontDoor, wish), maxValues: frontDoor.limits.maxResponseValues }, signal),
  beginStream: (frontDoor, wish, measuresText) => createMessagesStream(new ResponseWriter(settingsOf(frontDoor, wish), createResponseEvents()), { measuresText }),
};

/** `POST /v1/responses`. */
export function handleResponses(frontDoor: FrontDoor, exchange: Exchange): Promise<void> {
  return handleModelRequest(frontDoor, exchange, RESPONSES);
}
