import { openRawConnection, startScriptedUpstream, wholeResponse, type ConnectionScript, type RawConnection, type ScriptedUpstream } from '@penstock/test-support';
import { hashClientKey } from '../../../src/access/clients/client-key.ts';
import { openStream, startHeldUpstream } from '../../process/open-streams.ts';
import type { ConfigDocument } from '../../start-test-gateway.ts';
import { startWatchedGateway, type WatchedGateway } from './start-watched-gateway.ts';

const CLIENTS = ['alice', 'mallory'].map((name) => ({ name, key_sha256: hashClientKey(`key-of-${name}`) }));
const DOWN = 'http://127.0.0.1:9';
const JSON_TYPE = ['content-type', 'application/json'];
/** Bytes that wait for a slow reader, at which the writer waits as well. */
const MOST_UNSENT_BYTES = 1_000_000;

/** What the incidents of one test opened, and closes again. */
export class IncidentRig {
  readonly #parts: { [Symbol.asyncDispose](): Promise<void> }[] = [];
  readonly #connections: RawConnection[] = [];
  /** Ends the streams of the upstream, where it holds some. */
  finish: () => void = () => undefined;

  /** Starts a gateway with two clients. */
  async start(upstreamOrigin: string, document: ConfigDocument = {}): Promise<WatchedGateway> {
    const gateway = await startWatchedGateway(upstreamOrigin, { clients: CLIENTS, ...document }, { limits: { updateIntervalMs: 100 } });
    this.#parts.push(gateway);
    return gateway;
  }

  async startUpstream(script: ConnectionScript): Promise<ScriptedUpstream> {
    const upstream = await startScriptedUpstream(script);
    this.#parts.push(upstream);
    return upstream;
  }

  /** An upstream that begins every stream and ends it with `finish`. */
  async holdStreams(): Promise<ScriptedUpstream> {
    const upstream = await startHeldUpstream();
    this.#parts.push(upstream);
    this.finish = () => { upstream.finish(); };
    return upstream;
  }

  /** An upstream that answers each request in its turn. */
  answering(answer: (count: number) => ReturnType<typeof wholeResponse>): Promise<ScriptedUpstream> {
    let count = 0;
    return this.startUpstream(async (connection) => {
      for (;;) {
        const request = await connection.nextRequest(60_000);
        if (!request.complete) return;
        count += 1;
        connection.send(answer(count));
      }
    });
  }

  async connect(gateway: WatchedGateway, text: string): Promise<RawConnection> {
    const connection = await openRawConnection(gateway.port);
    this.#connections.push(connection);
    connection.send(text);
    return connection;
  }

  async stream(gateway: WatchedGateway, client: string): Promise<void> {
    this.#connections.push(await openStream(gateway.port, `key-of-${client}`));
  }

  async dispose(): Promise<void> {
    for (const connection of this.#connections.splice(0)) connection.close();
    for (const part of this.#parts.splice(0).toReversed()) await part[Symbol.asyncDispose]();
  }
}

/** Sends one request with a key, and returns its status. */
export async function ask(gateway: WatchedGateway, path: string, key: string, body?: string): Promise<number> {
  const headers = { authorization: `Bearer ${key}`, 'x-api-key': key, 'content-type': 'application/json' };
  const response = await fetch(`${gateway.origin}${path}`, body === undefined ? { headers } : { headers, method: 'POST', body });
  await response.arrayBuffer();
  return response.status;
}

/** What an operator is to be told by an incident. */
export interface Incident {
  readonly cause: string;
  readonly party: string;
  /** The part of /readyz whose warning names both; absent for a cause that concerns no readiness. */
  readonly readyPart?: string;
  /** Starts the gateway, which is well. */
  start(rig: IncidentRig): Promise<WatchedGateway>;
  /** Causes the incident. */
  happen(gateway: WatchedGateway, rig: IncidentRig): Promise<void>;
}

const MODELS = '/anthropic/v1/models';
const CHAT = '{"model":"m","messages":[{"role":"user","content":"hi"}]}';
const STREAMED = '{"model":"m","max_tokens":1,"stream":true,"messages":[]}';
const well = (): ReturnType<typeof wholeResponse> => wholeResponse(200, JSON_TYPE, '{"data":[]}');

async function flood(connection: RawConnection): Promise<void> {
  const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
  while (connection.end() === 'open') {
    connection.send(chunk);
    const { socket } = connection;
    if (socket.writableLength > MOST_UNSENT_BYTES) await new Promise((resolve) => { socket.once('drain', resolve).once('close', resolve); });
    else await new Promise((resolve) => { setImmediate(resolve); });
  }
}

/** The incidents of the exam, by name. */
export const INCIDENTS = {
  'the upstream is down': {
    cause: 'upstream_unreachable', party: 'native', readyPart: 'native_upstream',
    start: (rig) => rig.start(DOWN),
    async happen(gateway) { await ask(gateway, MODELS, 'key-of-alice'); },
  },
  'the gateway\'s own key is revoked': {
    cause: 'credential_refused', party: 'native', readyPart: 'native_upstream',
    start: async (rig) => rig.start((await rig.answering((count) => (count === 1 ? well() : wholeResponse(401, JSON_TYPE, '{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}')))).origin),
    async happen(gateway) { for (let count = 0; count < 2; count += 1) await ask(gateway, MODELS, 'key-of-alice'); },
  },
  'one client holds the pool': {
    cause: 'pool_held_by_one_client', party: 'mallory', readyPart: 'native_pool',
    start: async (rig) => rig.start((await rig.holdStreams()).origin, { anthropic_native: { pool: { max_connections: 4 } } }),
    async happen(gateway, rig) {
      for (let count = 0; count < 4; count += 1) await rig.stream(gateway, 'mallory');
      await rig.connect(gateway, `GET ${MODELS} HTTP/1.1\r\nHost: localhost\r\nx-api-key: key-of-alice\r\n\r\n`);
    },
  },
  'the quota is spent': {
    cause: 'quota_spent', party: 'native', readyPart: 'native_upstream',
    start: async (rig) => rig.start((await rig.answering(() => wholeResponse(429, [
      ...JSON_TYPE, 'anthropic-ratelimit-requests-limit', '60', 'anthropic-ratelimit-requests-remaining', '0',
      'anthropic-ratelimit-requests-reset', new Date(Date.now() + 3_600_000).toISOString(), 'retry-after', '3600',
    ], '{"type":"error","error":{"type":"rate_limit_error","message":"spent"}}'))).origin),
    async happen(gateway) { await ask(gateway, MODELS, 'key-of-alice'); },
  },
  'a storm of wrong keys': {
    cause: 'wrong_keys', party: 'unauthenticated',
    start: (rig) => rig.start(DOWN),
    async happen(gateway) { for (let count = 0; count < 30; count += 1) await ask(gateway, MODELS, 'pen_of-a-stranger'); },
  },
  'the backend of the front door is dead': {
    cause: 'backend_unreachable', party: 'front_door_local', readyPart: 'front_door_local_upstream',
    start: async (rig) => rig.start((await rig.answering(well)).origin, { openai_front_door: { backends: [{ name: 'local', kind: 'openai', base_url: `${DOWN}/v1`, api_key: 'k' }] } }),
    async happen(gateway) {
      await ask(gateway, MODELS, 'key-of-alice');
      await ask(gateway, '/v1/chat/completions', 'key-of-alice', CHAT);
    },
  },
  'a client does not read its answer': {
    cause: 'slow_client', party: 'mallory',
    start: async (rig) => rig.start((await rig.startUpstream(async (connection) => {
      await connection.nextRequest(60_000);
      connection.send('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n');
      await flood(connection);
    })).origin),
    async happen(gateway, rig) {
      const slow = await rig.connect(gateway, `POST /anthropic/v1/messages HTTP/1.1\r\nHost: localhost\r\nx-api-key: key-of-mallory\r\nContent-Type: application/json\r\nContent-Length: ${STREAMED.length}\r\n\r\n${STREAMED}`);
      await slow.waitFor((bytes) => bytes.includes('text/event-stream'));
      slow.socket.pause();
    },
  },
  'a shutdown with open streams': {
    cause: 'draining', party: 'gateway',
    start: async (rig) => rig.start((await rig.holdStreams()).origin),
    async happen(gateway, rig) {
      for (const client of ['alice', 'alice', 'mallory']) await rig.stream(gateway, client);
      gateway.drain().catch(() => undefined);
    },
  },
} as const satisfies Readonly<Record<string, Incident>>;

/** The name of an incident. */
export type IncidentName = keyof typeof INCIDENTS;
