import { startScriptedUpstream, type ScriptedConnection, type WireMessage } from '@penstock/test-support';

/** What the upstream does with one request; it returns once its bytes are handed over, or once the connection has ended. */
export type ApiAnswer = (connection: ScriptedConnection, request: WireMessage) => void | Promise<void>;

/** What the upstream answers: to the messages in order, the last one again and again; to everything else by path. */
export interface ApiScript {
  readonly messages: readonly ApiAnswer[];
  /** By the path behind `/v1/`, without its query. */
  readonly others?: Readonly<Record<string, ApiAnswer>>;
}

/** One request as the differential tests compare it: what decides its cost and its form. */
export interface SeenRequest {
  readonly path: string;
  readonly model: unknown;
  readonly stream: unknown;
  readonly maxTokens: unknown;
  /** How long the conversation is. */
  readonly messages: number;
}

/** A stand-in for the API whose every byte a scenario decides. */
export interface ScriptedApi {
  readonly origin: string;
  /** The requests for the API so far, in order of arrival. */
  seen(): readonly SeenRequest[];
  /** Resolves when `count` messages have been asked for. */
  asked(count: number): Promise<void>;
  /** Resolves when `count` answers were held until the other side closed the connection. */
  abandoned(count: number): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Longer than any scenario: a connection rests until its client closes it. */
const WAIT_MS = 600_000;

/** Starts the stand-in on a free loopback port. */
export async function startScriptedApi({ messages, others = {} }: ApiScript): Promise<ScriptedApi> {
  const requests: WireMessage[] = [];
  const waiters = new Set<() => void>();
  let asked = 0;
  let abandoned = 0;
  const notify = (): void => { for (const waiter of waiters) waiter(); };
  const until = (isReached: () => boolean): Promise<void> => new Promise((resolve) => {
    const check = (): void => {
      if (!isReached()) return;
      waiters.delete(check);
      resolve();
    };
    waiters.add(check);
    check();
  });
  const answerTo = (path: string): ApiAnswer | undefined => {
    if (path !== '/v1/messages') return others[path.slice('/v1/'.length)];
    asked += 1;
    return messages[Math.min(asked, messages.length) - 1];
  };
  const upstream = await startScriptedUpstream(async (connection) => {
    while (connection.end() === 'open') {
      const request = await connection.nextRequest(WAIT_MS);
      const path = pathOf(request);
      if (path.startsWith('/v1/')) requests.push(request);
      const answer = answerTo(path);
      notify();
      if (answer === undefined) connection.send('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
      else await answer(connection, request);
      if (connection.end() === 'open') continue;
      abandoned += 1;
      notify();
    }
  });
  return {
    origin: upstream.origin,
    seen: () => requests.map(seenRequest),
    asked: (count) => until(() => asked >= count),
    abandoned: (count) => until(() => abandoned >= count),
    [Symbol.asyncDispose]: () => upstream.close(),
  };
}

const pathOf = ({ startLine }: WireMessage): string => (startLine.split(' ')[1] ?? '').split('?')[0] ?? '';

function seenRequest(request: WireMessage): SeenRequest {
  const { model, stream, max_tokens: maxTokens, messages } = (request.body.length === 0 ? {} : JSON.parse(request.body.toString())) as Record<string, unknown>;
  return { path: pathOf(request), model, stream, maxTokens, messages: Array.isArray(messages) ? messages.length : 0 };
}
