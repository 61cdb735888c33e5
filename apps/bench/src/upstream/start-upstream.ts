import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { createAuthority } from '@penstock/test-support';
import type { Spinner } from '../peer-process/spinner.ts';
import { HttpReader } from '../wire/http-reader.ts';
import { MESSAGE, wholeAnswer, wholeStream } from '../wire/upstream-answers.ts';
import { StreamWheel } from './stream-wheel.ts';
import type { UpstreamPlan, UpstreamStatus } from './upstream-plan.ts';

/** The upstream of every workload: no HTTP library, so that it costs less than what is measured in front of it. */
export interface Upstream {
  readonly port: number;
  /** The same upstream behind TLS, and the authority that its certificate is of (PEM). */
  readonly tls: { readonly port: number; readonly ca: string };
  follow(plan: UpstreamPlan): void;
  status(): UpstreamStatus;
  /** The client has an event of this stream: a saturated one sends the next. */
  onEventReceived(stream: number): void;
}

const STREAM_REQUEST = Buffer.from('"stream":true');
/** How much of a body is searched for it: bench bodies name it before their messages. */
const SEARCHED_BYTES = 128;

/** Starts it on a free loopback port. */
export async function startUpstream(spinner: Spinner): Promise<Upstream> {
  let plan: UpstreamPlan = { kind: 'message' };
  let wheel = new StreamWheel(1, spinner);
  let openConnections = 0;
  let requests = 0;

  const serve = (socket: Socket): void => {
    let digest = createHash('sha256');
    let bodyBytes = 0;
    let asksForStream = false;
    openConnections += 1;
    const answer = (): void => {
      requests += 1;
      if (plan.kind === 'message' || (plan.kind === 'mix' && !asksForStream)) socket.write(MESSAGE.next());
      else if (plan.kind === 'digest') {
        socket.write(wholeAnswer(Buffer.from(JSON.stringify({ bytes: bodyBytes, sha256: digest.digest('hex') }))));
        digest = createHash('sha256');
      } else if (plan.pace === 'at once') socket.write(wholeStream(plan.events));
      else wheel.add(socket, plan.events);
      bodyBytes = 0;
    };
    const reader = new HttpReader({
      onBody: (piece) => {
        if (bodyBytes === 0) asksForStream = piece.subarray(0, SEARCHED_BYTES).includes(STREAM_REQUEST);
        bodyBytes += piece.length;
        if (plan.kind === 'digest') digest.update(piece);
      },
      onMessage: answer,
    });
    socket.on('data', (bytes: Buffer) => reader.push(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => { openConnections -= 1; });
  };

  const authority = createAuthority('Bench Authority');
  const port = await listen(createServer({ noDelay: true }, serve));
  const tlsPort = await listen(createTlsServer({ ...authority.issue({ names: ['127.0.0.1', 'localhost'] }), noDelay: true }, serve));
  spinner.onTurn(() => wheel.turn());
  return {
    port, tls: { port: tlsPort, ca: authority.cert },
    follow(next) {
      plan = next;
      if ((next.kind === 'stream' || next.kind === 'mix') && next.pace !== 'at once') wheel = new StreamWheel(next.pace, spinner);
    },
    status: () => ({ openConnections, openStreams: wheel.size, requests }),
    onEventReceived: (stream) => wheel.onEventReceived(stream),
  };
}

async function listen(server: Server): Promise<number> {
  server.listen({ port: 0, host: '127.0.0.1', backlog: 8_192 });
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}
