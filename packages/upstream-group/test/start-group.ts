import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { vi } from 'vitest';
import { createUpstreamClient, type UpstreamClient, type UpstreamClientOptions } from '@penstock/upstream-client';
import { createUpstreamGroup, type GroupEvents, type GroupDispatchOptions, type GroupMember, type UpstreamGroup, type UpstreamGroupOptions } from '../src/index.ts';

/** One request as an upstream saw it; `body` is whole when the handler is called. */
export interface Arrival {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

type Answer = (arrival: Arrival, response: ServerResponse) => void;

/** An upstream that counts what arrives, and answers as a test decides at each moment. */
export interface TestUpstream {
  readonly origin: string;
  readonly arrivals: Arrival[];
  answer: Answer;
  stop(): Promise<void>;
}

/** Starts an upstream on a free port of the loopback address. */
export async function startUpstream(answer: Answer): Promise<TestUpstream> {
  const arrivals: Arrival[] = [];
  const upstream = { arrivals, answer };
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => { chunks.push(chunk); });
    request.on('error', () => undefined);
    request.once('end', () => {
      const arrival = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) };
      arrivals.push(arrival);
      upstream.answer(arrival, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return Object.assign(upstream, { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop });
}

/** Answers with a status, fields and a body. */
export function answerWith(status: number, body: string, fields: Readonly<Record<string, string>> = {}): Answer {
  return (_arrival, response) => { response.writeHead(status, fields).end(body); };
}

interface GroupWorld extends AsyncDisposable {
  readonly group: UpstreamGroup;
  readonly clients: readonly UpstreamClient[];
  readonly failovers: string[];
  readonly moves: string[];
}

interface WorldOptions extends Omit<UpstreamGroupOptions, 'members' | 'events'> {
  readonly noted?: GroupEvents['noted'];
  readonly members?: readonly Partial<GroupMember>[];
  readonly client?: Partial<UpstreamClientOptions>;
}

const NAMES = ['a', 'b', 'c', 'd'];

/** A group over upstreams, in tiers of their order, so that a test knows which one is asked first; `members` changes that. */
export function startGroup(upstreams: readonly Pick<TestUpstream, 'origin' | 'stop'>[], { members = [], client, noted, ...options }: WorldOptions = {}): GroupWorld {
  const failovers: string[] = [];
  const moves: string[] = [];
  const clients = upstreams.map(({ origin }) => createUpstreamClient({ origin, ...client }));
  const group = createUpstreamGroup({
    ...options,
    members: clients.map((one, index): GroupMember => ({ name: NAMES[index] ?? '', client: one, tier: index, ...members[index] })),
    events: {
      failedOver: ({ from, to, reason }) => { failovers.push(`${from}>${to} ${reason}`); },
      moved: ({ from, to }) => { moves.push(`${from}>${to}`); },
      ...(noted === undefined ? {} : { noted }),
    },
  });
  return {
    group, clients, failovers, moves,
    [Symbol.asyncDispose]: async () => {
      await group.destroy();
      await Promise.all(upstreams.map(({ stop }) => stop()));
    },
  };
}

/** What came of one request. */
export interface GroupResult {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  readonly code: string | undefined;
  readonly endings: number;
}

/** Sends one request through a group; ends as the handler ended. */
export function send(group: UpstreamGroup, options: Partial<GroupDispatchOptions> = {}, onController?: (controller: { abort(reason: Error): void }) => void): Promise<GroupResult> {
  const { promise, resolve } = Promise.withResolvers<GroupResult>();
  let status: number | undefined;
  let headers: Readonly<Record<string, unknown>> = {};
  let body = '';
  let endings = 0;
  let result: GroupResult | undefined;
  const end = (error?: Error): void => {
    endings += 1;
    const code = error === undefined ? undefined : 'code' in error ? String(error.code) : error.message;
    result ??= { status, headers, body, code, get endings() { return endings; } };
    resolve(result);
  };
  group.dispatch({ path: '/v1/messages', method: 'POST', body: 'the body', ...options }, {
    onRequestStart: (controller) => { onController?.(controller); },
    onResponseStart: (_controller, code, fields) => { status = code; headers = fields; },
    onResponseData: (_controller, chunk) => { body += chunk.toString('latin1'); },
    onResponseEnd: () => { end(); },
    onResponseError: (_controller, error) => { end(error); },
  });
  return promise;
}

/** Keeps the callbacks of the timers of some spans, which a test calls in place of the wait for them. */
export function holdTimers(span: (delay: number) => boolean): { readonly held: (() => void)[]; restore(): void } {
  const held: (() => void)[] = [];
  const original = globalThis.setTimeout;
  const spy = vi.spyOn(globalThis, 'setTimeout').mockImplementation(((call: () => void, delay = 0, ...rest: unknown[]) => {
    // The clocks of the clients give themselves to their callbacks.
    if (rest.length > 0 || !span(delay)) return original(call, delay, ...rest as []);
    held.push(call);
    return original(() => undefined, 0);
  }) as typeof setTimeout);
  return { held, restore: () => { spy.mockRestore(); } };
}
