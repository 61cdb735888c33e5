import { createServer } from 'node:http';

/** The upstream of the benchmark: reads the body, answers one kilobyte of JSON, tells its port to the parent. */
const ANSWER = Buffer.from(JSON.stringify({ type: 'message', role: 'assistant', content: [{ type: 'text', text: 'y'.repeat(900) }] }));

const server = createServer({ keepAliveTimeout: 0 }, (inbound, response) => {
  inbound.resume().once('end', () => {
    response.writeHead(200, ['content-type', 'application/json', 'content-length', String(ANSWER.byteLength), 'request-id', 'req_0']);
    response.end(ANSWER);
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address !== 'string') process.send?.(address.port);
});
process.once('disconnect', () => { process.exit(0); });
