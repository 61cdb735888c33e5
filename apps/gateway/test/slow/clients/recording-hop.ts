import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { fieldValues, parseMessage, type WireMessage } from '@penstock/test-support';

/** A TCP hop in front of a gateway that keeps what the gateway answered, so that it can be held beside what the client printed. */
export interface RecordingHop {
  readonly origin: string;
  /** The errors of the gateway's own, over all connections. */
  gatewayErrors(): readonly { readonly code: string; readonly message: string }[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a hop towards a loopback port; behind `passesBytes` of a connection's requests nothing more goes on. */
export async function startRecordingHop(port: number, passesBytes: number = Number.POSITIVE_INFINITY): Promise<RecordingHop> {
  const answers: Buffer[][] = [];
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    const answer: Buffer[] = [];
    let left = passesBytes;
    answers.push(answer);
    near.on('data', (chunk: Buffer) => {
      far.write(chunk.subarray(0, left));
      left -= Math.min(left, chunk.length);
    });
    far.on('data', (chunk: Buffer) => {
      answer.push(chunk);
      near.write(chunk);
    });
    for (const [from, to] of [[near, far], [far, near]] as const) from.on('error', () => to.destroy()).on('end', () => to.end()).on('close', () => to.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    gatewayErrors: () => answers.flatMap((chunks) => messagesIn(Buffer.concat(chunks))).flatMap(errorOf),
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

function messagesIn(bytes: Buffer): WireMessage[] {
  const message = bytes.length === 0 ? undefined : parseMessage(bytes, { kind: 'response', ended: true });
  return message === undefined ? [] : [message, ...messagesIn(bytes.subarray(message.bytes.length))];
}

function errorOf({ rawHeaders, body, complete }: WireMessage): { code: string; message: string }[] {
  const [code] = fieldValues(rawHeaders, 'x-penstock-error');
  if (code === undefined || !complete) return [];
  return [{ code, message: (JSON.parse(body.toString()) as { error: { message: string } }).error.message }];
}
