import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../../start-test-gateway.ts';
import { sumOf } from './exposition.ts';

const HAS_SS = spawnSync('ss', ['--version']).status === 0;
const BODY = '{"model":"m","max_tokens":1,"stream":true,"messages":[]}';

/** An upstream that begins every stream, and knows what it has open. */
interface CountingUpstream {
  readonly origin: string;
  readonly port: number;
  readonly sockets: ReadonlySet<Socket>;
  readonly streams: readonly ServerResponse[];
  stop(): Promise<void>;
}

async function startCountingUpstream(): Promise<CountingUpstream> {
  const sockets = new Set<Socket>();
  const streams: ServerResponse[] = [];
  const server = createServer((request, response) => {
    request.resume();
    streams.push(response.writeHead(200, { 'content-type': 'text/event-stream' }).on('close', () => void streams.splice(streams.indexOf(response), 1)));
    response.write('event: message_start\ndata: {"type":"message_start"}\n\n');
  });
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`, port, sockets, streams,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

describe.skipIf(!HAS_SS)(`the pool's gauges${HAS_SS ? '' : ' (skipped: ss is not installed)'}`, () => {
  let upstream: CountingUpstream;
  let gateway: TestGateway;
  const leaving = new AbortController();
  let open: Promise<unknown>[] = [];

  beforeEach(async () => {
    upstream = await startCountingUpstream();
    gateway = await startTestGateway(upstream.origin, { anthropic_native: { pool: { max_connections: 6, max_keepalive_connections: 3, max_waiting: 10 } } });
    open = [];
  });

  afterEach(async () => {
    await gateway.close();
    await upstream.stop();
    await Promise.allSettled(open);
  });

  function begin(requests: number, signal?: AbortSignal): void {
    for (let index = 0; index < requests; index += 1) {
      const sent = fetch(`${gateway.anthropic}/v1/messages`, { method: 'POST', body: BODY, headers: { 'content-type': 'application/json' }, ...(signal === undefined ? {} : { signal }) });
      open.push(sent.then((response) => response.text()).catch(() => 'left'));
    }
  }

  /** What the page, the kernel and the upstream say now. */
  async function count(): Promise<Readonly<Record<string, number | undefined>>> {
    const text = await gateway.metrics.registry.metrics();
    const native = { upstream: 'native' };
    const state = (name: string): number | undefined => sumOf(text, 'penstock_upstream_pool_connections', { ...native, state: name });
    const established = spawnSync('ss', ['-tnH', 'state', 'established', `( dport = :${upstream.port} )`], { encoding: 'utf8' }).stdout;
    return {
      active: state('active'), idle: state('idle'), connecting: state('connecting'), waiting: sumOf(text, 'penstock_upstream_pool_waiting', native),
      kernel: established.split('\n').filter((line) => line !== '').length, sockets: upstream.sockets.size, streams: upstream.streams.length,
      streamsOpen: sumOf(text, 'penstock_streams_open', { side: 'native' }), inFlight: sumOf(text, 'penstock_requests_in_flight', { side: 'native' }),
    };
  }

  const countsAre = (expected: Awaited<ReturnType<typeof count>>): Promise<void> => expect.poll(count).toEqual(expected);

  it('are what `ss` and the upstream count: under way, waiting, handed over, kept, given up and closed from the other side', async () => {
    begin(9);
    await countsAre({ active: 6, idle: 0, connecting: 0, waiting: 3, kernel: 6, sockets: 6, streams: 6, streamsOpen: 6, inFlight: 9 });

    for (const response of upstream.streams.slice(0, 4)) response.end();
    await countsAre({ active: 5, idle: 1, connecting: 0, waiting: 0, kernel: 6, sockets: 6, streams: 5, streamsOpen: 5, inFlight: 5 });

    const streaming = [...upstream.streams];
    for (const response of streaming) response.end();
    await countsAre({ active: 0, idle: 3, connecting: 0, waiting: 0, kernel: 3, sockets: 3, streams: 0, streamsOpen: 0, inFlight: 0 });

    begin(1, leaving.signal);
    await countsAre({ active: 1, idle: 2, connecting: 0, waiting: 0, kernel: 3, sockets: 3, streams: 1, streamsOpen: 1, inFlight: 1 });
    leaving.abort();
    await countsAre({ active: 0, idle: 2, connecting: 0, waiting: 0, kernel: 2, sockets: 2, streams: 0, streamsOpen: 0, inFlight: 0 });

    const [socket] = upstream.sockets;
    socket?.end();
    await countsAre({ active: 0, idle: 1, connecting: 0, waiting: 0, kernel: 1, sockets: 1, streams: 0, streamsOpen: 0, inFlight: 0 });

    const text = await gateway.metrics.registry.metrics();
    const acquired = (source: string): number | undefined => sumOf(text, 'penstock_upstream_pool_acquisitions_total', { upstream: 'native', source });
    expect([acquired('new'), acquired('queued'), acquired('reused')]).toEqual([6, 3, 1]);
    const closed = (reason: string): number | undefined => sumOf(text, 'penstock_upstream_connections_closed_total', { upstream: 'native', reason });
    expect([closed('surplus'), closed('aborted'), closed('upstream_closed')]).toEqual([3, 1, 1]);
  });
});
