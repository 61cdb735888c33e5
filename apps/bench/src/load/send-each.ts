import { connect, type Socket } from 'node:net';
import { HttpReader } from '../wire/http-reader.ts';

const CONNECTIONS = 16;

/** Sends each request once over a few kept connections. Rejects with the first status line that is not 200. */
export async function sendEach(port: number, requests: readonly Buffer[]): Promise<void> {
  let next = 0;
  const connection = (): Promise<void> => new Promise((resolve, reject) => {
    const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const send = (): void => {
      const request = requests[next];
      next += 1;
      if (request === undefined) socket.destroy();
      else socket.write(request);
    };
    const reader = new HttpReader({
      onMessage: (head) => {
        if (head.startsWith('HTTP/1.1 200')) send();
        else socket.destroy(new Error(head.slice(0, head.indexOf('\r\n'))));
      },
    });
    socket.on('connect', send);
    socket.on('data', (chunk: Buffer) => reader.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => { if (next > requests.length) resolve(); else reject(new Error('the connection ended')); });
  });
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
}
