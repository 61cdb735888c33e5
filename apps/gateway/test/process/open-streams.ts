import { openRawConnection, startScriptedUpstream, type RawConnection, type ScriptedUpstream } from '@penstock/test-support';

/** An upstream whose streams end when the test says so. */
export interface HeldUpstream extends ScriptedUpstream {
  /** Ends every stream well. */
  finish(): void;
}

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const event = (name: string): string => {
  const text = `event: ${name}\ndata: {"type":"${name}"}\n\n`;
  return `${text.length.toString(16)}\r\n${text}\r\n`;
};

/** Starts an upstream that begins every stream and holds it. */
export async function startHeldUpstream(): Promise<HeldUpstream> {
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => { finish = resolve; });
  const upstream = await startScriptedUpstream(async (connection) => {
    for (;;) {
      const request = await connection.nextRequest(600_000);
      if (!request.complete) return;
      connection.send(HEAD + event('message_start'));
      await finished;
      connection.send(`${event('message_stop')}0\r\n\r\n`);
    }
  });
  return { ...upstream, finish };
}

/** Opens one stream, with a client's key where one is needed, and waits for its first event. What does not begin in time is closed. */
export async function openStream(port: number, key?: string, withinMs = 30_000): Promise<RawConnection> {
  const body = '{"model":"m","max_tokens":1,"stream":true,"messages":[]}';
  const connection = await openRawConnection(port);
  connection.send(`POST /anthropic/v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\n${key === undefined ? '' : `x-api-key: ${key}\r\n`}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  try {
    await connection.waitFor((bytes) => bytes.includes('message_start'), withinMs);
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}
