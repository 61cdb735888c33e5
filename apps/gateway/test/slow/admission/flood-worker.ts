// A thread that holds many keyless connections open, so that the thread that measures does nothing else.
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

/** What the thread is started with. */
export interface FloodPlan {
  readonly port: number;
  readonly connections: number;
  /** What each connection sends first; empty for nothing. */
  readonly begin: string;
}

const BATCH = 50;
/** A closed connection comes back within this time: so soon that more want a place than there are, however long a busy machine took to make the first ones. */
const COMES_BACK_MS = 1_000;

const { port, connections, begin } = workerData as FloodPlan;
const open = new Set<Socket>();
let made = 0;

function add(): void {
  made += 1;
  const socket = connect({ port, host: '127.0.0.1' });
  open.add(socket);
  socket.on('connect', () => { if (begin !== '') socket.write(begin); });
  socket.on('data', () => undefined);
  socket.on('error', () => undefined);
  socket.on('close', () => {
    open.delete(socket);
    setTimeout(add, Math.random() * COMES_BACK_MS);
  });
}

while (made < connections) {
  for (let index = 0; index < BATCH; index += 1) add();
  await pause(10);
}
setInterval(() => parentPort?.postMessage({ open: open.size, made }), 50);
