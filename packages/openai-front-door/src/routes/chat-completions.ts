import { createStreamTranslator } from '../chat/stream-translator.ts';
import type { ChatWish } from '../translation/read-model-request.ts';
import type { Exchange } from './exchange.ts';
import type { FrontDoor } from './front-door.ts';
import { handleModelRequest, nowSeconds, type ModelProtocol } from './model-request.ts';

const CHAT: ModelProtocol<ChatWish> = {
  upstreamPath: '/v1/messages',
  isFree: false,
  read: (frontDoor, json, signal) => frontDoor.translator.run('chat', json, frontDoor.chatPlan, signal),
  readAnswer: ({ translator, limits }, json, { wantsReasoning, usesLegacyFunctions }, signal) =>
    translator.run('answer', json, { maxValues: limits.maxResponseValues, created: nowSeconds(), wantsReasoning, usesLegacyFunctions }, signal),
  beginStream: ({ limits: { maxThinkingChars } }, { includeUsage, wantsReasoning, usesLegacyFunctions }, measuresText) =>
    createStreamTranslator({ includeUsage, wantsReasoning, usesLegacyFunctions, maxThinkingChars, created: nowSeconds(), measuresText }),
};

/** `POST /v1/chat/completions`. */
export function handleChatCompletions(frontDoor: FrontDoor, exchange: Exchange): Promise<void> {
  return handleModelRequest(frontDoor, exchange, CHAT);
}
