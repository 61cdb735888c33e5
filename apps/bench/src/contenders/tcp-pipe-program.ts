import { connect, createServer } from 'node:net';

// The limit of Node: bytes between two sockets, without HTTP. Each connection of a client has one to the upstream.
// `tcp-pipe-program.js PORT UPSTREAM_PORT`

const [port, upstreamPort] = process.argv.slice(2).map(Number);

createServer({ noDelay: true }, (client) => {
  const upstream = connect({ port: upstreamPort as number, host: '127.0.0.1', noDelay: true });
  client.pipe(upstream);
  upstream.pipe(client);
  for (const [socket, other] of [[client, upstream], [upstream, client]] as const) {
    socket.on('error', () => other.destroy());
    socket.on('close', () => other.destroy());
  }
}).listen({ port, host: '127.0.0.1', backlog: 8_192 });
