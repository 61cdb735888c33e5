import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { serveCalls } from '../process/helper-process.ts';
import { HttpReader } from '../wire/http-reader.ts';
import { MESSAGE_BODY, wholeAnswer } from '../wire/upstream-answers.ts';
import type { UpstreamPlan, UpstreamStatus } from './upstream-plan.ts';
import { StreamWheel, wholeStream } from './stream-wheel.ts';

// The upstream of every workload: no HTTP library, so that it costs less than what is measured in front of it.

const MESSAGE = wholeAnswer(MESSAGE_BODY);
let plan: UpstreamPlan = { kind: 'message' };
let wheel = new StreamWheel(1);
let openConnections = 0;
let requests = 0;

class Connection {
  readonly #socket: Socket;
  #digest = createHash('sha256');
  #bodyBytes = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    openConnections += 1;
    const reader = new HttpReader({
      onBody: (piece) => {
        this.#bodyBytes += piece.length;
        if (plan.kind === 'digest') this.#digest.update(piece);
      },
      onMessage: () => this.#answer(),
    });
    socket.on('data', (bytes: Buffer) => reader.push(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => { openConnections -= 1; });
  }

  #answer(): void {
    requests += 1;
    if (plan.kind === 'message') this.#socket.write(MESSAGE);
    else if (plan.kind === 'digest') {
      this.#socket.write(wholeAnswer(Buffer.from(JSON.stringify({ bytes: this.#bodyBytes, sha256: this.#digest.digest('hex') }))));
      this.#digest = createHash('sha256');
    } else if (plan.eventsPerSecond === 0) this.#socket.write(wholeStream(plan.events));
    else wheel.add(this.#socket, plan.events, () => undefined);
    this.#bodyBytes = 0;
  }
}

const server = createServer({ noDelay: true }, (socket) => { void new Connection(socket); });
server.listen({ port: 0, host: '127.0.0.1', backlog: 8_192 }, () => {
  serveCalls({
    port: () => (server.address() as { port: number }).port,
    plan: (next: UpstreamPlan) => {
      plan = next;
      if (next.kind === 'stream' && next.eventsPerSecond > 0) wheel = new StreamWheel(next.eventsPerSecond);
    },
    status: (): UpstreamStatus => ({ openConnections, openStreams: wheel.size, requests }),
  });
});
