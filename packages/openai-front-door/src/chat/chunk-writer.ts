import type { OpenAiErrorBody } from '../errors/openai-error-body.ts';
import type { MappedFinish } from './finish-reason.ts';
import type { OpenAiUsage } from '../messages-core/usage.ts';

/** What ends a whole stream, and only a whole one. */
export const DONE_FRAME = 'data: [DONE]\n\n';

/** Writes the chunks of one answer; id, created and model are the same on all of them. */
export interface ChunkWriter {
  delta(delta: unknown): string;
  /** The last choice, and the tier that served the answer where it is known. */
  finish(finish: MappedFinish, tier: string | undefined): string;
  usage(usage: OpenAiUsage): string;
}

/** The frame that ends a broken stream; no `finish_reason` and no `[DONE]` may follow it. */
export function errorFrame(body: OpenAiErrorBody): string {
  return `data: ${JSON.stringify(body)}\n\n`;
}

/** Prepares everything that does not change from chunk to chunk. */
export function createChunkWriter(answer: { readonly id: string; readonly created: number; readonly model: string; readonly includeUsage: boolean }): ChunkWriter {
  const head = `data: {"id":${JSON.stringify(answer.id)},"object":"chat.completion.chunk","created":${answer.created},"model":${JSON.stringify(answer.model)},"choices":[`;
  const tail = answer.includeUsage ? '],"usage":null}\n\n' : ']}\n\n';
  return {
    delta: (delta) => `${head}{"index":0,"delta":${JSON.stringify(delta)},"logprobs":null,"finish_reason":null}${tail}`,
    finish: (finish, tier) => `${head}${JSON.stringify({ index: 0, delta: {}, logprobs: null, ...finish })}]${tier === undefined ? '' : `,"service_tier":"${tier}"`}${tail.slice(1)}`,
    usage: (usage) => `${head}],"usage":${JSON.stringify(usage)}}\n\n`,
  };
}
