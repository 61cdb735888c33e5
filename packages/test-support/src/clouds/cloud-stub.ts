import { once } from 'node:events';
import { createServer, request as openRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { SignedRequest } from './verify-signature.ts';

/** A request that a stub received. */
export interface StubRequest extends SignedRequest {
  /** What was wrong with its credential. */
  readonly problem: string | undefined;
}

/** What a stub needs. */
export interface CloudStubOptions {
  /** Where requests with a good credential go, for an answer: a simulator. */
  readonly origin: string;
  /** Returns what is wrong with the credential of a request, or `undefined`. */
  readonly verify: (request: SignedRequest) => string | undefined;
}

/** A cloud as its clients see it: it verifies the credential of each request, and answers 403 or what stands behind it. */
export interface CloudStub {
  readonly origin: string;
  /** In the order of their arrival. */
  readonly requests: readonly StubRequest[];
  clear(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a stub on a free port of 127.0.0.1. Bodies and header fields go on as they came, in both directions. */
export async function startCloudStub({ origin, verify }: CloudStubOptions): Promise<CloudStub> {
  const requests: StubRequest[] = [];
  const server = createServer((request, response) => {
    // A client that leaves breaks its own request only.
    serve(request, response).catch(() => { response.destroy(); });
  });
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const received = { method: request.method ?? '', url: request.url ?? '', rawHeaders: request.rawHeaders, body: await readAll(request) };
    const problem = verify(received);
    requests.push({ ...received, problem });
    if (problem === undefined) forward(origin, received, response);
    else response.writeHead(403, { 'content-type': 'application/json', 'x-amzn-errortype': 'InvalidSignatureException' }).end(JSON.stringify({ message: problem }));
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the stub has no port');
  return {
    origin: `http://127.0.0.1:${address.port}`, requests, clear: () => { requests.length = 0; },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function forward(origin: string, { method, url, rawHeaders, body }: SignedRequest, response: ServerResponse): void {
  const outbound = openRequest(`${origin}${url}`, { method, headers: [...rawHeaders], agent: false }, (answer) => {
    response.sendDate = false;
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders.filter((_, index) => !HOP.has((answer.rawHeaders[index - index % 2] ?? '').toLowerCase())));
    answer.pipe(response);
    answer.on('error', () => { response.destroy(); });
    answer.on('aborted', () => { response.destroy(); });
  });
  outbound.on('error', () => { response.destroy(); });
  response.on('close', () => { outbound.destroy(); });
  outbound.end(body);
}

const HOP: ReadonlySet<string> = new Set(['connection', 'transfer-encoding', 'keep-alive']);

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
