/** The upstream of the host tests, as a process on a host of its own: `node host-upstream.ts ADDRESS PORT`. The path's query says what it sends. */
import { createServer, type ServerResponse } from 'node:http';

const [address = '127.0.0.1', port = '0'] = process.argv.slice(2);
const BLOCK = Buffer.from(`event: ping\ndata: {"type":"ping","x":"${'a'.repeat(16_000)}"}\n\n`);

/** Sends `blocks` events as fast as the other side takes them. */
function flood(response: ServerResponse, blocks: number): void {
  let left = blocks;
  const more = (): void => {
    while (left > 0) {
      left -= 1;
      if (!response.write(BLOCK)) {
        response.once('drain', more);
        return;
      }
    }
    response.end('event: message_stop\ndata: {"type":"message_stop"}\n\n');
  };
  more();
}

function tick(response: ServerResponse): void {
  const timer = setInterval(() => response.write('event: ping\ndata: {"type":"ping"}\n\n'), 100);
  response.once('close', () => clearInterval(timer));
}

const server = createServer((request, response) => {
  request.resume().once('end', () => {
    const query = request.url?.split('?')[1] ?? '';
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":[]}');
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (query === 'ticks') tick(response);
    else flood(response, Number(query));
  });
});
server.keepAliveTimeout = 120_000;
server.listen(Number(port), address, () => console.log('listening'));
