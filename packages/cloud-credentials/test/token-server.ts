import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as a token server saw it. */
export interface TokenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server of tokens, metadata or keys, whose answers a test chooses. */
export interface TokenServer extends AsyncDisposable {
  readonly origin: string;
  readonly host: string;
  readonly requests: TokenRequest[];
}

/** Starts one on a free port of the loopback address; `answer` gives a body, and may give a status and fields. */
export async function startTokenServer(answer: (request: TokenRequest) => string | { readonly status: number; readonly body: string }, fields: Readonly<Record<string, string>> = {}): Promise<TokenServer> {
  const requests: TokenRequest[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => { body += chunk; }).once('end', () => {
      const seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
      requests.push(seen);
      const given = answer(seen);
      const { status, body: text } = typeof given === 'string' ? { status: 200, body: given } : given;
      response.writeHead(status, { 'content-type': 'application/json', ...fields }).end(text);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin: `http://${host}`, host, requests,
    [Symbol.asyncDispose]: async () => { server.closeAllConnections(); server.close(); await once(server, 'close'); },
  };
}

/** Sets variables of the environment; what it gives back puts the old ones in place. */
export function setEnvironment(variables: Readonly<Record<string, string | undefined>>): () => void {
  const before = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]));
  const put = (values: Readonly<Record<string, string | undefined>>): void => {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  put(variables);
  return () => { put(before); };
}
