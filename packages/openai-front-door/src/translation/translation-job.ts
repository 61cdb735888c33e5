import { parseJsonRequest } from '../json/parse-json-request.ts';
import type { ChatPlan } from './chat-plan.ts';
import { readAnswer, readResponseAnswer, type AnswerPlan, type ReadAnswer, type ResponseAnswerPlan } from './read-answer.ts';
import { readChat, readInputTokens, readResponse, type ChatWish, type ReadModelRequest, type ResponseWish } from './read-model-request.ts';
import { relayedFacts, type RelayedFacts } from './relayed-facts.ts';

/** A JSON body that is passed on as it came, and what was read of it. */
export interface ReadRelayed {
  readonly json: Uint8Array;
  readonly facts: RelayedFacts;
}

/** Everything that is done with a whole body at once: what goes in beside its bytes, and what comes out. */
export interface TranslationJobs {
  readonly chat: { readonly plan: ChatPlan; readonly result: ReadModelRequest<ChatWish> };
  readonly response: { readonly plan: ChatPlan; readonly result: ReadModelRequest<ResponseWish> };
  readonly inputTokens: { readonly plan: ChatPlan; readonly result: ReadModelRequest<ResponseWish> };
  readonly relayed: { readonly plan: { readonly maxValues: number }; readonly result: ReadRelayed };
  readonly answer: { readonly plan: AnswerPlan; readonly result: ReadAnswer };
  readonly responseAnswer: { readonly plan: ResponseAnswerPlan; readonly result: ReadAnswer };
}

/** The name of a job. */
export type JobKind = keyof TranslationJobs;

/** Each job as a function of bytes and data; it takes time and memory in proportion to both, and touches nothing else. */
export const RUN_JOB: { readonly [Kind in JobKind]: (json: Uint8Array, plan: TranslationJobs[Kind]['plan']) => TranslationJobs[Kind]['result'] } = {
  chat: readChat,
  response: readResponse,
  inputTokens: readInputTokens,
  relayed: (json, { maxValues }) => ({ json, facts: relayedFacts(parseJsonRequest(json, maxValues)) }),
  answer: readAnswer,
  responseAnswer: readResponseAnswer,
};
