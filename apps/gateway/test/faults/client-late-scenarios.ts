import type { RawConnection } from '@penstock/test-support';
import { asking, dripping, sending, sendingThen } from './client-early-scenarios.ts';
import { ask, askAndCount, bigBody, BOB, pause, readResult, requestBytes, type Ask } from './fault-requests.ts';
import { scenario, type FaultScenario } from './fault-scenario.ts';
import type { FaultWorld } from './fault-world.ts';

type Act = (connection: RawConnection) => void;

const UPLOAD: Ask = { path: '/anthropic/v1/messages/batches/b1/cancel', fields: 'Content-Type: application/octet-stream\r\n' };
const CHUNKED_UPLOAD: Ask = { ...UPLOAD, fields: `${UPLOAD.fields ?? ''}Transfer-Encoding: chunked\r\n` };
const HALF_UPLOAD = requestBytes({ ...UPLOAD, body: 'abc', announced: 5_000 });
const LIST = requestBytes({ method: 'GET', path: '/anthropic/v1/models' });

/** A request of Alice that waits for a slot, and something that happens to it there. */
const whileWaiting = (act: Act) => async (world: FaultWorld): Promise<string> => {
  const slots = await world.takeSlots();
  const connection = await ask(world.port);
  while (await world.gateway.sum('penstock_requests_in_flight{side="native"}') < 3) await pause(10);
  act(connection);
  await pause(60);
  await slots.release();
  const result = await readResult(connection);
  connection.close();
  return result;
};

function stopReading({ socket }: RawConnection): void {
  socket.pause();
  setTimeout(() => socket.resume(), 200);
}

const ACQUIRE: readonly FaultScenario[] = [
  scenario('client/acquire/reset', 'while it waits for a slot', 'ok ok client_gone', 'closed', whileWaiting((connection) => connection.reset())),
  scenario('client/acquire/fin', 'while it waits for a slot', 'ok ok client_gone', 'closed', whileWaiting((connection) => connection.socket.end())),
  scenario('client/acquire/stall', 'does not read while it waits', 'ok ok ok', '200 whole', whileWaiting(stopReading)),
  scenario('client/acquire/garbage', 'bytes behind the request', 'ok ok ok|ok ok client_gone', '200 whole|400 bad_request|closed', whileWaiting((connection) => connection.send('\u0000\u0001garbage\r\n\r\n'))),
  scenario('client/acquire/duplicate', 'a second request behind the first', 'ok ok ok client_error|ok ok client_gone client_error', '200 whole|closed|400 bad_request', whileWaiting((connection) => connection.send(LIST))),
];

const chunkOf = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

const SEND: readonly FaultScenario[] = [
  scenario('client/send/reset', 'inside an upload', 'client_gone', 'closed', sendingThen(HALF_UPLOAD, 'reset')),
  scenario('client/send/fin', 'inside an upload', 'client_gone', '400 bad_request|closed', sendingThen(HALF_UPLOAD, 'fin')),
  scenario('client/send/stall', 'inside an upload', 'client_error', '408 request_timeout', sendingThen(HALF_UPLOAD, 'stall')),
  scenario('client/send/drip', 'upload', 'client_error', '408 request_timeout', dripping(HALF_UPLOAD)),
  scenario('client/send/garbage', 'broken chunk in an upload', 'client_error|client_gone', '400 bad_request|closed', asking({ ...CHUNKED_UPLOAD, body: `${chunkOf('abc')}no size\r\n` })),
  scenario('client/send/huge', 'upload over its limit', 'client_error', '413 too_large', asking({ ...CHUNKED_UPLOAD, body: chunkOf('x'.repeat(65_536)).repeat(24) })),
  scenario('client/send/duplicate', 'a request behind the upload', 'ok client_error|ok', '200 whole', sending(Buffer.concat([requestBytes({ ...UPLOAD, body: 'abc' }), LIST]))),
  scenario('client/send/out_of_order', 'end before the chunk', 'ok|client_error|client_gone|ok client_error', '200 whole|400 bad_request', asking({ ...CHUNKED_UPLOAD, body: `0\r\n\r\n${chunkOf('abc')}` })),
];

const whileStreaming = (act: Act) => async ({ port, upstream }: FaultWorld): Promise<string> => {
  const connection = await ask(port, { fault: 'held' });
  await connection.waitFor((bytes) => bytes.includes('message_start'));
  act(connection);
  await pause(60);
  upstream.release();
  const result = await readResult(connection);
  connection.close();
  return result;
};

async function readNothing({ port, gateway }: FaultWorld): Promise<string> {
  const stalled = (): number => gateway.logged.filter(({ outcome }) => outcome === 'client_stalled').length;
  const before = stalled();
  const connection = await ask(port, { fault: 'body-flood' });
  connection.socket.pause();
  const deadline = performance.now() + 45_000;
  while (stalled() === before && performance.now() < deadline) await pause(20);
  connection.close();
  return 'nothing';
}

const RELAY: readonly FaultScenario[] = [
  scenario('client/relay/reset', 'in mid stream', 'client_gone', 'closed|200 broken', whileStreaming((connection) => connection.reset())),
  scenario('client/relay/fin', 'in mid stream', 'client_gone', 'closed|200 broken', whileStreaming((connection) => connection.socket.end())),
  scenario('client/relay/stall', 'does not read 32 MB', 'client_stalled', 'nothing', readNothing),
  scenario('client/relay/drip', 'reads an event of 12 MB with pauses', 'ok', '200 whole', ({ port }) => askAndCount(port, { fault: 'body-huge' }, 20)),
  scenario('client/relay/garbage', 'bytes behind the request', 'ok|client_gone', '200 whole|200 broken', whileStreaming((connection) => connection.send('\u0000garbage\r\n\r\n'))),
  scenario('client/relay/duplicate', 'a second request behind the first', 'ok client_error', '200 whole', whileStreaming((connection) => connection.send(LIST))),
  scenario('client/relay/out_of_order', 'a body behind the request', 'ok|client_gone', '200 whole|200 broken|closed', whileStreaming((connection) => connection.send(bigBody(200_000)))),
];

const afterAnswer = (act: Act) => async ({ port }: FaultWorld): Promise<string> => {
  const connection = await ask(port, { key: BOB });
  const result = await readResult(connection);
  act(connection);
  await pause(40);
  connection.close();
  return result;
};

const SETTLE: readonly FaultScenario[] = [
  scenario('client/settle/reset', 'with the last byte', 'ok|client_gone', '200 whole', afterAnswer((connection) => connection.reset())),
  scenario('client/settle/fin', 'with the last byte', 'ok', '200 whole', afterAnswer((connection) => connection.socket.end())),
  scenario('client/settle/garbage', 'on the idle connection', 'ok', '200 whole', afterAnswer((connection) => connection.send('\u0000\u0001\r\n\r\n'))),
  scenario('client/settle/duplicate', 'the same request again', 'ok ok|ok client_gone', '200 whole', afterAnswer((connection) => connection.send(requestBytes({ key: BOB })))),
];

/** What clients do wrong from the moment a slot is asked for. */
export const CLIENT_LATE_SCENARIOS: readonly FaultScenario[] = [...ACQUIRE, ...SEND, ...RELAY, ...SETTLE];
