import { openRawConnection, startScriptedUpstream, type RawConnection, type ScriptedUpstream } from '@penstock/test-support';

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const EVENT = 'event: message_start\ndata: {"type":"message_start"}\n\n';
const BODY = '{"model":"m","max_tokens":1,"stream":true,"messages":[]}';
const OPENED_AT_ONCE = 100;

/** An upstream that begins every stream and never ends it. */
export function startHoldingUpstream(): Promise<ScriptedUpstream> {
  return startScriptedUpstream(async (connection) => {
    const request = await connection.nextRequest(600_000);
    if (!request.complete) return;
    connection.send(`${HEAD}${EVENT.length.toString(16)}\r\n${EVENT}\r\n`);
    await new Promise(() => undefined);
  });
}

async function openStream(port: number): Promise<RawConnection> {
  const connection = await openRawConnection(port);
  connection.send(`POST /anthropic/v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`);
  await connection.waitFor((bytes) => bytes.includes('message_start'), 120_000);
  return connection;
}

/** Open streams through a gateway, all of which have had their first event. */
export class HeldStreams {
  readonly #streams: RawConnection[] = [];
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  /** Opens more of them until there are `count`. */
  async openUpTo(count: number): Promise<void> {
    while (this.#streams.length < count) {
      const wanted = Math.min(OPENED_AT_ONCE, count - this.#streams.length);
      this.#streams.push(...await Promise.all(Array.from({ length: wanted }, () => openStream(this.#port))));
    }
  }

  close(): void {
    for (const stream of this.#streams) stream.close();
  }
}
