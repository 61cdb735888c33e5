import { createServer, type ServerResponse } from 'node:http';
import { Pool, type Dispatcher } from 'undici';

// What every relay on node:http and undici must pay, and nothing else: no validation, no limits, no clocks, no log, no metrics.
// `floor-program.js PORT UPSTREAM_ORIGIN`

const [port, origin = ''] = process.argv.slice(2);
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'host', 'content-length']);
const upstream = new Pool(origin, { connections: 20_000, pipelining: 1, bodyTimeout: 0, headersTimeout: 0, keepAliveTimeout: 30_000 });

class FloorRelay implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;
  #controller: Dispatcher.DispatchController | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.on('close', () => { if (!response.writableFinished) this.#controller?.abort(new Error('client gone')); });
    response.on('drain', () => this.#controller?.resume());
  }

  onRequestStart(controller: Dispatcher.DispatchController): void { this.#controller = controller; }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _headers: unknown, statusMessage = ''): void {
    const parts = (controller.rawHeaders as Buffer[]).map((part) => part.toString('latin1'));
    this.#response.writeHead(status, statusMessage, withoutHopByHop(parts, 'content-length'));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#response.write(chunk)) controller.pause();
  }

  onResponseEnd(): void { this.#response.end(); }
  onResponseError(): void { this.#response.destroy(); }
}

function withoutHopByHop(fields: readonly string[], kept?: string): string[] {
  return fields.filter((_, index) => {
    const name = (fields[index - index % 2] as string).toLowerCase();
    return name === kept || !HOP_BY_HOP.has(name);
  });
}

createServer({ noDelay: true }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => { chunks.push(chunk); });
  request.on('end', () => {
    const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    upstream.dispatch({
      path: request.url ?? '/', method: 'POST', body, headers: withoutHopByHop(request.rawHeaders),
    }, new FloorRelay(response));
  });
}).listen({ port: Number(port), host: '127.0.0.1', backlog: 8_192 });
