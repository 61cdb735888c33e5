import Koa, { type Context } from 'koa';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createOpenAiFrontDoor, FrontDoorOptionsError, type FrontDoorOptions, type SendToBackend } from '../../src/index.ts';
import { httpBackend } from '../support/http-backend.ts';
import { answerJson, messageJson, startMessagesUpstream } from '../support/messages-upstream.ts';

const CHAT = { model: 'claude-x', messages: [{ role: 'user', content: 'Hi' }] };

interface EmbeddingApplication extends AsyncDisposable {
  readonly origin: string;
}

/** A Koa application with a front door and middleware of its own behind it. */
async function embed(send: SendToBackend, options: Partial<FrontDoorOptions>, behind?: (ctx: Context, next: () => Promise<unknown>) => unknown): Promise<EmbeddingApplication> {
  const frontDoor = createOpenAiFrontDoor({ backends: { claude: { kind: 'anthropic', send } }, models: [{ match: 'claude-*', backend: 'claude' }], ...options });
  const application = new Koa();
  application.silent = true;
  application.use(frontDoor.routes());
  if (behind !== undefined) application.use(behind);
  const handle = application.callback();
  const server = createServer((request, response) => { void handle(request, response); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const postTo = (url: string, body: object = CHAT): Promise<Response> => fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const unused: SendToBackend = () => Promise.reject(new Error('not asked'));

describe('prefix', () => {
  it('serves every route under the prefix, and sends on what the upstream knows', async () => {
    const upstream = await startMessagesUpstream(answerJson(messageJson([{ type: 'text', text: 'x' }])));
    await using application = await embed(httpBackend(upstream.origin), { prefix: '/llm/openai/v1' }, (ctx) => { ctx.body = `behind: ${ctx.path}`; });
    expect((await postTo(`${application.origin}/llm/openai/v1/chat/completions?a=b`)).status).toBe(200);
    expect(upstream.requests.map(({ url }) => url)).toEqual(['/v1/messages']);
    expect(await (await fetch(`${application.origin}/v1/models`)).text()).toBe('behind: /v1/models');
    expect(await (await fetch(`${application.origin}/llm/openai/v12`)).text()).toBe('behind: /llm/openai/v12');
    const missing = await (await postTo(`${application.origin}/llm/openai/v1/embeddings`)).json() as { error: { message: string } };
    expect(missing.error.message).toMatch(/POST \/llm\/openai\/v1\/embeddings\. .*POST \/llm\/openai\/v1\/chat\/completions/);
    await upstream.close();
  });

  it.each(['', '/', 'v1', '/v1/', '//v1', '/a/../v1', '/v1?', '/a%2Fb'])('refuses %j at construction', (prefix) => {
    expect(() => createOpenAiFrontDoor({ backends: { claude: { kind: 'anthropic', send: unused } }, models: [], prefix })).toThrow(FrontDoorOptionsError);
  });
});

describe('a path under the prefix that is none of the OpenAI API', () => {
  it('goes to what follows in the application, whatever answers there', async () => {
    await using application = await embed(unused, {}, async (ctx, next) => {
      if (ctx.path === '/v1/own') ctx.body = { own: true };
      else if (ctx.path === '/v1/gone') ctx.status = 410;
      else if (ctx.path === '/v1/raw') {
        ctx.respond = false;
        ctx.res.end('raw');
      } else await next();
    });
    expect(await (await fetch(`${application.origin}/v1/own`)).json()).toEqual({ own: true });
    expect((await fetch(`${application.origin}/v1/gone`)).status).toBe(410);
    expect(await (await fetch(`${application.origin}/v1/raw`)).text()).toBe('raw');
  });

  it('is a 404 in OpenAI\'s shape where nothing answers it, and is reported once', async () => {
    const settled: number[] = [];
    await using application = await embed(unused, { hooks: { onRequestSettled: ({ status }) => { settled.push(status); } } }, (_ctx, next) => next());
    const response = await fetch(`${application.origin}/v1/unheard-of`);
    expect([response.status, await response.json()]).toEqual([404, { error: expect.objectContaining({ type: 'not_found_error', code: 'not_found' }) as object }]);
    expect(settled).toEqual([404]);
  });

  it('does not go there where the path can be read as another one, or is one of the API', async () => {
    let asked = 0;
    await using application = await embed(unused, {}, () => { asked += 1; });
    for (const path of ['/v1/embeddings', '/v1/Embeddings', '/v1/%65mbeddings', '/v1/files/a', '/v1/chat/completions']) expect((await fetch(application.origin + path)).status).toBeGreaterThan(403);
    expect(asked).toBe(0);
  });

  it('leaves an error of what follows to the application', async () => {
    await using application = await embed(unused, {}, (ctx) => ctx.throw(418, 'short and stout'));
    expect((await fetch(`${application.origin}/v1/own`)).status).toBe(418);
  });
});

describe('a backend that rejects', () => {
  afterEach(() => { vi.restoreAllMocks(); });
  const fault = new Error('the port is broken');

  it.each([['whole', CHAT], ['streamed', { ...CHAT, stream: true }]])('with an error that no table knows is a 502 in OpenAI\'s shape, and reported: %s', async (_what, body) => {
    const reported: unknown[] = [];
    await using application = await embed(() => Promise.reject(fault), { hooks: { onInternalError: (error) => { reported.push(error); } } });
    const response = await postTo(`${application.origin}/v1/chat/completions`, body);
    expect([response.status, await response.json()]).toEqual([502, { error: { message: 'The upstream could not be asked.', type: 'api_error', param: null, code: 'upstream_reset' } }]);
    expect(reported).toEqual([fault]);
  });

  it('or throws is the same', async () => {
    const reported: unknown[] = [];
    await using application = await embed(() => { throw fault; }, { hooks: { onInternalError: (error) => { reported.push(error); } } });
    expect((await postTo(`${application.origin}/v1/chat/completions`)).status).toBe(502);
    expect(reported).toEqual([fault]);
  });

  it('is printed where the application gives no onInternalError', async () => {
    const printed = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await using application = await embed(() => Promise.reject(fault), {});
    await postTo(`${application.origin}/v1/chat/completions`);
    expect(printed.mock.calls).toEqual([[expect.stringContaining('openai-front-door'), fault]]);
  });
});
