import { createServer, type ServerResponse } from 'node:http';
import { Pool, type Dispatcher } from 'undici';
import { createEventObserver, createRelayHandler, type BodyObserver } from '../src/index.ts';
import { FloorRelay } from './floor-relay.ts';

// One contender in a process of its own: `contender.ts KIND ORIGIN`. Tells its port, then its CPU time whenever it is asked.
const [kind = 'floor', origin = ''] = process.argv.slice(2);
const FRAMING = new Set(['connection', 'keep-alive', 'transfer-encoding']);

function relay(response: ServerResponse, observer?: BodyObserver): Dispatcher.DispatchHandler {
  return createRelayHandler(response, {
    onHead: (status, rawHeaders, statusMessage) => ({
      status, statusMessage, rawHeaders: rawHeaders.filter((_, index) => !FRAMING.has(rawHeaders[index - index % 2]?.toLowerCase() ?? '')),
    }),
    ...(observer === undefined ? {} : { observer }),
    onSettled: () => undefined,
  });
}

function handlerFor(response: ServerResponse): Dispatcher.DispatchHandler {
  switch (kind) {
    case 'floor': case 'control': return new FloorRelay(response);
    case 'relay': return relay(response);
    case 'relay+observer': return relay(response, createEventObserver({ events: ['message_start', 'message_delta', 'message_stop'], onEvent: () => undefined }));
    default: throw new Error(`no contender is called ${kind}`);
  }
}

const upstream = new Pool(origin, { connections: 2_000, pipelining: 1, bodyTimeout: 0, headersTimeout: 0 });
const server = createServer({ noDelay: true }, (request, response) => {
  upstream.dispatch({ path: request.url ?? '/', method: 'GET', headers: [] }, handlerFor(response));
});
server.listen(0, '127.0.0.1', () => process.send?.(server.address()));
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicroseconds: user + system });
});
process.on('disconnect', () => process.exit(0));
