import { subscribe } from 'node:diagnostics_channel';
import { IncomingMessage } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { TurnReport } from './turn-report.ts';

// Loaded into a gateway's process with `--import`; the path of its control socket is the query. A connection begins a measurement, its end
// ends it, and the report is the answer. While it runs the loop never sleeps: one immediate a turn, which counts what the turn before it did.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
/** After so many bytes the memory that is held is measured. */
const SAMPLE_BYTES = 2_000_000;

const sockets = new Set<Socket>();
const bytesBefore = new WeakMap<Socket, number>();
const watch = (message: unknown): void => {
  const { socket } = message as { readonly socket: Socket };
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
};
subscribe('net.server.socket', watch);
subscribe('net.client.socket', watch);

/** Chunks of this turn by the message they belong to. */
let chunks = new Map<object, number>();
const count = (message: object): void => { chunks.set(message, (chunks.get(message) ?? 0) + 1); };
subscribe('undici:request:bodyChunkReceived', (message) => count((message as { readonly request: object }).request));
const push = Reflect.get(Readable.prototype, 'push') as (this: Readable, chunk: unknown, encoding?: BufferEncoding) => boolean;
Readable.prototype.push = function countChunk(chunk: unknown, encoding?: BufferEncoding): boolean {
  if (this instanceof IncomingMessage && chunk !== null) count(this);
  return push.call(this, chunk, encoding);
};

type MutableReport = { -readonly [Name in keyof TurnReport]: TurnReport[Name] };

function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The processor time of this thread: on a busy machine a turn takes longer than it works. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function measure(): () => TurnReport {
  const before = heldBytes();
  const report: MutableReport = { turns: 0, bytes: 0, mostBytesOfASocket: 0, mostChunksOfAMessage: 0, longestMs: 0, longestCpuMs: 0, mostHeldBytes: 0 };
  let isRunning = true;
  let sampleAt = SAMPLE_BYTES;
  let turnAt = performance.now();
  let cpuAt = cpuMs();
  for (const socket of sockets) bytesBefore.set(socket, socket.bytesRead);
  chunks = new Map();
  const sample = (): void => { report.mostHeldBytes = Math.max(report.mostHeldBytes, heldBytes() - before); };
  const endTurn = (): void => {
    report.turns += 1;
    report.longestMs = Math.max(report.longestMs, performance.now() - turnAt);
    report.longestCpuMs = Math.max(report.longestCpuMs, cpuMs() - cpuAt);
    for (const socket of sockets) {
      const read = socket.bytesRead - (bytesBefore.get(socket) ?? 0);
      bytesBefore.set(socket, socket.bytesRead);
      report.bytes += read;
      report.mostBytesOfASocket = Math.max(report.mostBytesOfASocket, read);
    }
    for (const most of chunks.values()) report.mostChunksOfAMessage = Math.max(report.mostChunksOfAMessage, most);
    if (chunks.size > 0) chunks = new Map();
    if (report.bytes >= sampleAt) {
      sampleAt = report.bytes + SAMPLE_BYTES;
      sample();
    }
    turnAt = performance.now();
    cpuAt = cpuMs();
    if (isRunning) setImmediate(endTurn);
  };
  setImmediate(endTurn);
  return () => {
    isRunning = false;
    sample();
    return report;
  };
}

const path = decodeURIComponent(new URL(import.meta.url).search.slice(1));
createServer({ allowHalfOpen: true }, (socket) => {
  sockets.delete(socket);
  const end = measure();
  socket.write('begun\n');
  socket.on('error', () => undefined);
  socket.on('end', () => socket.end(JSON.stringify(end())));
  socket.resume();
}).listen(path).unref();
