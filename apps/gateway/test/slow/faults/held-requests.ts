import { GATHERED_BODY_BYTES } from '@penstock/inbound-server';
import { openRawConnection, type RawConnection } from '@penstock/test-support';
import { sumOf } from '../../observe/metrics/exposition.ts';
import { askAndRead, ask, BOB, pause, readResult, requestBytes, STREAM_BODY } from '../../faults/fault-requests.ts';
import type { FaultUpstream } from '../../faults/fault-upstream.ts';
import type { HeldPhase } from '../../faults/process-cells.ts';
import type { PenstockProcess } from '../../run-penstock.ts';

/** A request that stands in one phase until it is told to go on. */
export interface HeldRequest {
  readonly phase: HeldPhase;
  readonly connection: RawConnection;
  /** Lets it go on, and returns what the client saw. */
  finish(): Promise<string>;
}

const BYTES = requestBytes({ key: BOB });
const WAIT_MS = 60_000;
/** An upload that is too large to be gathered takes its slot with its first byte. */
const UPLOAD_BYTES = GATHERED_BODY_BYTES + 1;
const UPLOAD = requestBytes({ key: BOB, path: '/anthropic/v1/messages/batches/b1/cancel', fields: 'Content-Type: application/octet-stream\r\n', body: 'abc', announced: UPLOAD_BYTES });

/** The sum of the series of a process's /metrics that have the labels of a line; 0 when there is none. */
export async function metricOf({ operations }: PenstockProcess, line: string): Promise<number> {
  const text = await (await fetch(`${operations}/metrics`)).text();
  const [name = '', labels = ''] = line.replace('}', '').split('{');
  return sumOf(text, name, Object.fromEntries(Array.from(labels.matchAll(/(\w+)="([^"]*)"/g), ([, label = '', value = '']) => [label, value]))) ?? 0;
}

async function open(port: number, bytes: Uint8Array): Promise<RawConnection> {
  const connection = await openRawConnection(port);
  connection.send(bytes);
  return connection;
}

/** How a request is brought into a phase, and what lets it go on. */
const HOLDS: Readonly<Record<HeldPhase, (port: number, upstream: FaultUpstream) => Promise<{ connection: RawConnection; proceed: (connection: RawConnection) => void }>>> = {
  admit: async (port) => ({ connection: await open(port, BYTES.subarray(0, 40)), proceed: (connection) => connection.send(BYTES.subarray(40)) }),
  receive: async (port) => {
    const split = BYTES.length - STREAM_BODY.length + 10;
    return { connection: await open(port, BYTES.subarray(0, split)), proceed: (connection) => connection.send(BYTES.subarray(split)) };
  },
  send: async (port) => ({ connection: await open(port, UPLOAD), proceed: (connection) => connection.send('d'.repeat(UPLOAD_BYTES - 3)) }),
  relay: async (port, upstream) => {
    const connection = await ask(port, { key: BOB, fault: 'held' });
    await connection.waitFor((bytes) => bytes.includes('message_start'));
    return { connection, proceed: () => upstream.release() };
  },
  acquire: async (port, upstream) => ({ connection: await ask(port, { key: BOB }), proceed: () => upstream.release() }),
};

/** Holds a request in each of the phases. The pool must have `phases` slots less one: the last one waits for a slot. */
export async function holdRequests(penstock: PenstockProcess, upstream: FaultUpstream, slots: number): Promise<HeldRequest[]> {
  const requests: HeldRequest[] = [];
  const hold = async (phase: HeldPhase): Promise<void> => {
    const { connection, proceed } = await HOLDS[phase](penstock.port, upstream);
    requests.push({
      phase, connection,
      async finish() {
        if (!connection.socket.destroyed) proceed(connection);
        const result = await readResult(connection, WAIT_MS);
        connection.close();
        return result;
      },
    });
  };
  // The upload takes a slot, streams take the rest, and the next request waits.
  await hold('send');
  await waitUntil(async () => await metricOf(penstock, 'penstock_requests_in_flight{side="native"}') === 1);
  for (let taken = 1; taken < slots; taken += 1) await hold('relay');
  await hold('acquire');
  await waitUntil(async () => await metricOf(penstock, 'penstock_requests_in_flight{side="native"}') === slots + 1);
  await hold('receive');
  await hold('admit');
  await waitUntil(async () => await metricOf(penstock, 'penstock_requests_in_flight{side="native"}') === slots + 2);
  await pause(50);
  return requests;
}

/** Waits until something is true, for a minute at most. */
export async function waitUntil(isTrue: () => Promise<boolean>, what = 'a condition'): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!await isTrue()) {
    if (performance.now() > deadline) throw new Error(`waited ${WAIT_MS} ms for ${what}`);
    await pause(25);
  }
}

/** Asks for the list of models; what everything comes back to. */
export const askNext = (port: number): Promise<string> => askAndRead(port, { method: 'GET', path: '/anthropic/v1/models', key: BOB });
