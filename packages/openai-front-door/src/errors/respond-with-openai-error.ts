import type { Context } from 'koa';
import { openAiErrorResponse } from './openai-error-body.ts';

/**
 * Answers with an error in OpenAI's shape through Koa's own response, for the application's middleware in front of the routes
 * (authentication, limits). Throw or pass a `FrontDoorError`; anything else becomes a neutral 500.
 */
export function respondWithOpenAiError(ctx: Context, error: unknown): void {
  const { status, headers, body } = openAiErrorResponse(error);
  ctx.status = status;
  ctx.set({ ...headers });
  ctx.body = body;
}
