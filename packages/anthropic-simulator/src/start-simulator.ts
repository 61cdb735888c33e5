import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { handleRequest, type RequestHandling } from './handle-request.ts';
import { readFaultOptions, type FaultOptions } from './fault-options.ts';
import type { Faults } from './faults.ts';
import { createRateLimits } from './http/rate-limits.ts';
import { createPromptCache } from './messages/prompt-cache.ts';
import { createThreads } from './messages/threads.ts';
import { createProgrammedAnswers, type NextAnswer, type ReplyContent } from './programmed-answers.ts';
import { openRecordings } from './recordings.ts';
import { createRequestLog, type RecordedRequest } from './request-log.ts';
import { allRoutes } from './routes/all-routes.ts';
import { createSeededRandom } from './seeded-random.ts';
import type { Simulation } from './simulation.ts';
import { resolveOptions, type ResolvedOptions, type SimulatorOptions } from './simulator-options.ts';

/** A running stand-in for the Anthropic API. */
export interface Simulator {
  /** `http://host:port`, to be used as the base URL of a client. */
  readonly origin: string;
  readonly port: number;
  /** The names of the recordings that can be replayed. */
  readonly recordings: readonly string[];
  /** The last requests, oldest first, bounded by `maxRecordedRequests`. */
  readonly requests: readonly RecordedRequest[];
  /** How many answers are being written or waited for now. */
  readonly openStreams: number;
  /** How many client connections are open now. */
  readonly connections: number;
  /** How many connections were ever accepted. */
  readonly acceptedConnections: number;
  /** How many requests were answered or are being answered, recorded or not. */
  readonly requestCount: number;
  /** How many clients left before their answer was complete. */
  readonly abandonedRequests: number;
  /** How many programmed answers were not taken yet. */
  readonly pendingAnswers: number;
  /**
   * Puts an answer in line for the next request of `POST /v1/messages`, or of its `path`: an error, faults, or content. Answers are taken in
   * their order, whatever model a request names; without one the scenario answers. Throws `SimulatorError` for a bad option.
   */
  next(answer: NextAnswer): Simulator;
  /** The same with content: a text, or thinking, text and tool calls. */
  reply(content: string | ReplyContent, faults?: FaultOptions): Simulator;
  /** The same with the scenario's content and faults: `fail({ cutAt: 300 })`. */
  fail(faults: FaultOptions): Simulator;
  /** Forgets the programmed answers that were not taken. */
  clearAnswers(): void;
  /** Forgets the recorded requests. */
  clearRequests(): void;
  /** Breaks all connections and stops listening. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const CLOSED = 'the response was closed';

interface Counters {
  openStreams: number;
  acceptedConnections: number;
  requestCount: number;
  abandonedRequests: number;
}

/** Starts a simulator; rejects with `SimulatorError` for a bad option and with the listen error when the port is taken. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const resolved = resolveOptions(options);
  let origin = '';
  const simulation = await createSimulation(resolved, () => origin);
  const log = createRequestLog(resolved.maxRecordedRequests, resolved.maxRecordedBodyBytes);
  const handling: RequestHandling = { simulation, routes: allRoutes(simulation), log };
  const counters: Counters = { openStreams: 0, acceptedConnections: 0, requestCount: 0, abandonedRequests: 0 };
  const sockets = new Set<Socket>();
  const server = createServer({ keepAliveTimeout: resolved.keepAliveTimeoutMs, requestTimeout: 0, noDelay: true });
  server.on('connection', (socket) => {
    counters.acceptedConnections += 1;
    sockets.add(socket);
    socket.once('close', () => { sockets.delete(socket); });
  });
  server.on('request', (request, response) => { serve(handling, counters, request, response); });
  server.listen(resolved.port, resolved.host);
  await once(server, 'listening');
  const port = boundPort(server);
  origin = `http://${resolved.host.includes(':') ? `[${resolved.host}]` : resolved.host}:${port}`;
  const close = (): Promise<void> => closeServer(server, sockets);
  const simulator: Simulator = {
    origin, port, recordings: simulation.recordings.names, requests: log.requests,
    get openStreams() { return counters.openStreams; },
    get connections() { return sockets.size; },
    get acceptedConnections() { return counters.acceptedConnections; },
    get requestCount() { return counters.requestCount; },
    get abandonedRequests() { return counters.abandonedRequests; },
    get pendingAnswers() { return simulation.answers.size; },
    next: (answer) => {
      simulation.answers.add(answer);
      return simulator;
    },
    reply: (content, faults = {}) => simulator.next({ ...faults, ...typeof content === 'string' ? { text: content } : content }),
    fail: (faults) => simulator.next(faults),
    clearAnswers: () => { simulation.answers.clear(); },
    clearRequests: () => { log.clear(); },
    close, [Symbol.asyncDispose]: close,
  };
  return simulator;
}

async function createSimulation(options: ResolvedOptions, ownOrigin: () => string): Promise<Simulation> {
  return {
    options,
    rateLimits: createRateLimits(options.rateLimits, options.clock),
    promptCache: createPromptCache(options.clock),
    recordings: await openRecordings(options.recordings),
    threads: createThreads(),
    answers: createProgrammedAnswers(),
    nextFaults: faultsOfEach(options),
    random: createSeededRandom('simulator', options.seed),
    publicOrigin: () => options.publicOrigin ?? ownOrigin(),
  };
}

function faultsOfEach({ faults: given, faultEvery }: ResolvedOptions): () => Faults {
  const faults = readFaultOptions(given);
  let asked = 0;
  return () => {
    asked += 1;
    return asked % faultEvery === 0 ? faults : {};
  };
}

function serve(handling: RequestHandling, counters: Counters, request: IncomingMessage, response: ServerResponse): void {
  const aborter = new AbortController();
  counters.openStreams += 1;
  counters.requestCount += 1;
  response.once('close', () => {
    counters.openStreams -= 1;
    if (!response.writableFinished) counters.abandonedRequests += 1;
    // A reason of our own: the default one is an exception with a stack for every request.
    aborter.abort(CLOSED);
  });
  // A broken socket is what the faults are for; the response's close event tells the rest.
  response.on('error', () => undefined);
  handleRequest(handling, request, response, aborter.signal).catch(() => { response.destroy(); });
}

function boundPort(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function closeServer(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  if (!server.listening) return;
  // The server counts a connection as gone before its socket says so; the counters are right only after the latter.
  const closed = [once(server, 'close'), ...Array.from(sockets, (socket) => once(socket, 'close'))];
  server.close();
  for (const socket of sockets) socket.destroy();
  await Promise.all(closed);
}
