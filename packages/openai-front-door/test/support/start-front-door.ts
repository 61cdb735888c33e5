import Koa, { type Context } from 'koa';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createOpenAiFrontDoor, type FrontDoorOptions, type OpenAiFrontDoor, type RequestSummary } from '../../src/index.ts';
import { httpBackend } from './http-backend.ts';
import { startMessagesUpstream, type Answer, type MessagesUpstream } from './messages-upstream.ts';

/** A Koa application with the front door and nothing else, on a free port. */
export interface RunningFrontDoor {
  readonly port: number;
  readonly origin: string;
  readonly baseURL: string;
  readonly frontDoor: OpenAiFrontDoor;
  readonly upstream: MessagesUpstream;
  readonly summaries: RequestSummary[];
  readonly internalErrors: unknown[];
  /** Waits for the summary number `count` (1 is the first). */
  settled(count?: number): Promise<RequestSummary>;
  /** Posts a Chat Completions request. */
  post(body: unknown, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a test may change. */
export interface StartOptions extends Partial<FrontDoorOptions> {
  /** Runs in front of the routes. */
  readonly before?: (ctx: Context, next: () => Promise<unknown>) => Promise<unknown>;
}

/** Starts an upstream with the given answer and a front door whose `claude-*` models go to it. */
export async function startFrontDoor(answer: Answer, options: StartOptions = {}): Promise<RunningFrontDoor> {
  const upstream = await startMessagesUpstream(answer);
  const { before, ...given } = options;
  const summaries: RequestSummary[] = [];
  const internalErrors: unknown[] = [];
  const waiting = new Set<() => void>();
  const frontDoor = createOpenAiFrontDoor({
    backends: { anthropic: { kind: 'anthropic', send: httpBackend(upstream.origin) } },
    models: [{ match: 'claude-*', backend: 'anthropic' }],
    ...given,
    hooks: {
      onInternalError: (error) => { internalErrors.push(error); },
      ...given.hooks,
      onRequestSettled: (summary, ctx) => {
        summaries.push(summary);
        given.hooks?.onRequestSettled?.(summary, ctx);
        for (const wake of waiting) wake();
      },
    },
  });
  const app = new Koa();
  app.silent = true;
  if (before !== undefined) app.use(before);
  app.use(frontDoor.routes());
  const handle = app.callback();
  const server = createServer((request, response) => { void handle(request, response); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    await upstream.close();
  };
  return {
    port, origin, baseURL: `${origin}/v1`, frontDoor, upstream, summaries, internalErrors, close, [Symbol.asyncDispose]: close,
    settled: (count = 1) => new Promise((resolve) => {
      const check = (): void => {
        const summary = summaries[count - 1];
        if (summary === undefined) return;
        waiting.delete(check);
        resolve(summary);
      };
      waiting.add(check);
      check();
    }),
    post: (body, init = {}) => fetch(`${origin}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' }, ...init }),
  };
}
