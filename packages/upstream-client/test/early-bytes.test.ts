import { connect } from 'node:net';
import { startScriptedUpstream } from '@penstock/test-support';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { resolveLimits, resolvePool, resolveTimeouts } from '../src/options.ts';
import { DeadlineClock } from '../src/exchange/deadline-clock.ts';
import { Exchange } from '../src/exchange/exchange.ts';
import { openClient } from '../src/pool/open-client.ts';
import { SlotPool } from '../src/pool/slot-pool.ts';
import { PLAIN } from './plain.ts';
import { AnswerTimes } from '../src/pool/answer-times.ts';
import type { DisconnectReason } from '../src/index.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

interface Answer { readonly status: number | undefined; readonly error: Error | undefined }

/** A client whose connects take as long as the test says: on loopback nothing takes long enough. */
function clientAt(origin: URL, roundTripMs: () => number | undefined): { ask(): Promise<Answer>; readonly closed: DisconnectReason[]; end(): void } {
  const closed: DisconnectReason[] = [];
  const limits = resolveLimits();
  const pool: SlotPool = new SlotPool({
    pool: resolvePool({ maxConnections: 8 }),
    connect: (_timeoutMs, callback) => {
      const socket = connect(Number(origin.port), origin.hostname, () => { callback(null, socket, roundTripMs()); });
      return { cancel: () => { socket.destroy(); } };
    },
    openClient: (slot, socket, expiryMs) => openClient(slot, socket, expiryMs, { origin, allowH2: false, limits, isPlain: PLAIN, onClosed: (gone, by) => { pool.socketClosed(gone, by); } }),
    notify: (name, event) => { if (name === 'disconnected' && 'reason' in event) closed.push(event.reason as DisconnectReason); },
    onCapacityFreed: () => undefined,
  });
  const context = {
    pool, clock: new DeadlineClock(), limits, closeDelimitedCheck: undefined, url: origin, servername: undefined, notify: () => undefined, wants: () => false,
    isPlain: PLAIN, onHandlerError: (error: unknown) => { throw error; },
  };
  const ask = (): Promise<Answer> => new Promise((resolve) => {
    let status: number | undefined;
    new Exchange({
      onResponseStart: (_controller, code) => { status = code; },
      onResponseEnd: () => { resolve({ status, error: undefined }); },
      onResponseError: (_controller, error) => { resolve({ status, error }); },
    }, { method: 'POST', path: '/', body: 'x' }, resolveTimeouts(), context).start();
  });
  return { ask, closed, end: () => { pool.shutDown(null); } };
}

describe('bytes that come sooner after a request than a round trip takes', () => {
  it.each([
    ['whole', 39, ANSWER, 'reset early_answer'],
    ['only a 1xx', 39, 'HTTP/1.1 103 Early Hints\r\n\r\n', 'reset early_answer'],
    ['one byte', 0, 'H', 'reset early_answer'],
    ['as soon as they can', 40, ANSWER, '200'],
  ])('are no answer to it: its connection is closed, and it may have run (%s, %i ms)', async (_name, afterMs, bytes, expected) => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => { vi.useRealTimers(); });
    await using upstream = await startScriptedUpstream(async (connection) => {
      while (connection.end() === 'open') if (!(await connection.nextRequest(60_000)).complete) return;
    });
    const client = clientAt(new URL(upstream.origin), () => 40);
    // The first answers of three connections take longer than their round trip.
    const first = [client.ask(), client.ask(), client.ask()];
    while (upstream.requests.length < 3) await new Promise(setImmediate);
    vi.advanceTimersByTime(50);
    for (const connection of upstream.connections) connection.send(ANSWER);
    expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200, 200]);
    await new Promise(setImmediate);
    const next = client.ask();
    while (upstream.requests.length < 4) await new Promise(setImmediate);
    expect(upstream.connections.length).toBe(3);
    vi.advanceTimersByTime(afterMs);
    for (const connection of upstream.connections) if (connection.received().toString().split('POST').length === 3) connection.send(bytes);
    const { status, error } = await next;
    while (client.closed.length < (expected === '200' ? 0 : 1)) await new Promise(setImmediate);
    expect(error === undefined ? String(status) : `${'code' in error ? String(error.code) : ''} ${client.closed.join()}`).toBe(expected);
    if (error !== undefined) expect(error).toMatchObject({ retryable: false });
    client.end();
  });
});

describe('the least time that an answer can take', () => {
  const measured = (...roundTrips: number[]): AnswerTimes => {
    const times = new AnswerTimes();
    for (const ms of roundTrips) times.connected(ms);
    return times;
  };

  it('is the least round trip of all connects, once there were three', () => {
    expect(measured().leastMs).toBe(0);
    expect(measured(40, 50).leastMs).toBe(0);
    expect(measured(40, 50, 30).leastMs).toBe(30);
    expect(measured(40, 50, 30, 70).leastMs).toBe(30);
  });

  it('is never more than 250 ms (connects may all have lost a packet)', () => {
    expect(measured(1_000, 3_000, 1_200).leastMs).toBe(250);
  });

  it('is no more than the first answer of a connection took', () => {
    const times = measured(40, 50, 30);
    times.answeredFirst(12);
    expect(times.leastMs).toBe(12);
    times.answered(3);
    expect(times.leastMs).toBe(12);
  });
});
