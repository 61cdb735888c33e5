// An upstream in a thread of its own, which answers as fast as it can however busy the client's thread is.
// workerData: { first, block, times, last }, the answer; the parent is told the port.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import type { RepeatedBytes } from '@penstock/test-support';

const { first, block, times, last } = workerData as RepeatedBytes;

async function flood(socket: Socket): Promise<void> {
  for (const piece of [first, ...Array.from({ length: times }, () => block), last]) {
    if (!socket.destroyed && !socket.write(piece)) await once(socket, 'drain');
  }
}

const server = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.once('data', () => { void flood(socket).catch(() => undefined); });
});
server.listen(0, '127.0.0.1', () => parentPort?.postMessage((server.address() as AddressInfo).port));
