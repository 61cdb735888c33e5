import { openRawConnection } from '@penstock/test-support';
import { ask, askAndRead, pause, readResult, requestBytes, STREAM_BODY, type Ask } from './fault-requests.ts';
import { scenario, type FaultScenario } from './fault-scenario.ts';
import type { FaultWorld } from './fault-world.ts';

/** Sends bytes as they are and returns what comes of them. */
export const sending = (bytes: string | Buffer): FaultScenario['run'] => async ({ port }) => {
  const connection = await openRawConnection(port);
  connection.send(bytes);
  const result = await readResult(connection);
  connection.close();
  return result;
};

/** Sends one request and returns what comes of it. */
export const asking = (request: Ask): FaultScenario['run'] => ({ port }) => askAndRead(port, request);

/** Sends bytes, then does something to the connection, and waits for the gateway to be rid of it. */
export const sendingThen = (bytes: string | Buffer, act: 'reset' | 'fin' | 'stall'): FaultScenario['run'] => async ({ port }) => {
  const connection = await openRawConnection(port);
  connection.send(bytes);
  await pause(60);
  if (act === 'reset') connection.reset();
  else if (act === 'fin') connection.socket.end();
  const result = await readResult(connection);
  connection.close();
  return result;
};

/** Sends one byte at a time, slower than any clock allows. */
export const dripping = (before: string | Buffer, byte = 'x'): FaultScenario['run'] => async ({ port }) => {
  const connection = await openRawConnection(port);
  connection.send(before);
  const timer = setInterval(() => { if (connection.socket.writable) connection.send(byte); }, 40);
  const result = await readResult(connection);
  clearInterval(timer);
  connection.close();
  return result;
};

const HALF_HEAD = 'POST /anthropic/v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nx-fie';
const HALF_BODY = requestBytes({ body: '{"model":"m"', announced: 5_000 });
const TOO_SLOW = '408 request_timeout|408 bad_request|closed';

const ADMIT: readonly FaultScenario[] = [
  scenario('client/admit/reset', 'inside the head', '', 'closed', sendingThen(HALF_HEAD, 'reset')),
  scenario('client/admit/fin', 'inside the head', '', '400 bad_request|closed', sendingThen(HALF_HEAD, 'fin')),
  scenario('client/admit/stall', 'inside the head', '', TOO_SLOW, sendingThen(HALF_HEAD, 'stall')),
  scenario('client/admit/drip', 'head', '', TOO_SLOW, dripping(HALF_HEAD)),
  scenario('client/admit/garbage', 'no HTTP', '', '400 bad_request', sending('\u0001\u0002\u0003\r\n\r\n')),
  scenario('client/admit/huge', 'head of 1 MB', '', '431 header_overflow', sending(requestBytes({ fields: `x-big: ${'a'.repeat(1_000_000)}\r\n` }))),
  scenario('client/admit/duplicate', 'two Host fields', 'client_error', '400 bad_request', sending(requestBytes({ fields: 'Host: 127.0.0.1\r\n' }))),
  scenario('client/admit/out_of_order', 'body before the head', '', '400 bad_request', sending(`${STREAM_BODY}\r\n${HALF_HEAD}`)),
  scenario('client/admit/tls', 'no TLS on a TLS port', '', 'closed', sending(requestBytes({ method: 'GET', path: '/anthropic/v1/models' })), 'inbound_tls'),
];

const AUTHENTICATE_AND_ROUTE: readonly FaultScenario[] = [
  scenario('client/authenticate/garbage', 'key', 'client_error', '401 unauthenticated', asking({ key: 'caf\u00e9 \u00ff' })),
  scenario('client/authenticate/huge', 'key of 8 KB', 'client_error', '401 unauthenticated', asking({ key: 'k'.repeat(8_000) })),
  scenario('client/authenticate/duplicate', 'two credentials, one of them known', 'ok', '200 whole', asking({ fields: 'Authorization: Bearer other\r\n' })),
  scenario('client/authenticate/duplicate', 'two x-api-key fields', 'client_error', '400 bad_request', asking({ fields: 'x-api-key: other\r\n' })),
  scenario('client/route/garbage', 'encoded dots', 'client_error', '400 bad_request', asking({ path: '/anthropic/v1/%2e%2e/organizations' })),
  scenario('client/route/huge', 'path of 8 KB', 'client_error', '404 not_found', asking({ path: `/anthropic/v1/${'a'.repeat(8_000)}` })),
  scenario('client/route/duplicate', 'slashes', 'client_error', '400 bad_request', asking({ path: '/anthropic//v1/messages' })),
  scenario('client/route/out_of_order', 'version behind the resource', 'client_error', '421 misdirected', asking({ path: '/anthropic/messages/v1' })),
];

/** Sends `count` requests while one is open. */
const overTheLimit = (count: number) => async ({ port, upstream }: FaultWorld): Promise<string> => {
  const first = await ask(port, { fault: 'held' });
  await first.waitFor((bytes) => bytes.includes('message_start'));
  const results = await Promise.all(Array.from({ length: count }, () => askAndRead(port)));
  upstream.release();
  await first.readMessage({ kind: 'response' });
  first.close();
  return `${results.filter((result) => result === '429 rate_limited').length} refused`;
};

const LIMIT: readonly FaultScenario[] = [
  scenario('client/limit/duplicate', 'a second request at once', 'ok client_error', '1 refused', overTheLimit(1), 'patient'),
  scenario('client/limit/huge', 'a burst of 40', `ok ${'client_error '.repeat(39)}`, '39 refused', overTheLimit(39), 'patient'),
  {
    ...scenario('client/limit/reset', 'while the store is asked', 'client_gone', 'closed', async ({ port, proxy }) => {
      proxy?.set('stall');
      const connection = await ask(port);
      await pause(60);
      connection.reset();
      return readResult(connection);
    }, 'redis_open'),
    recover: async ({ proxy }) => {
      proxy?.set('reset');
      proxy?.set('none');
      await pause(2_500);
    },
  },
];

const RECEIVE: readonly FaultScenario[] = [
  scenario('client/receive/reset', 'inside the body', 'client_gone', 'closed', sendingThen(HALF_BODY, 'reset')),
  scenario('client/receive/fin', 'inside the body', 'client_gone', '400 bad_request|closed', sendingThen(HALF_BODY, 'fin')),
  scenario('client/receive/stall', 'inside the body', 'client_error', '408 request_timeout', sendingThen(HALF_BODY, 'stall')),
  scenario('client/receive/drip', 'body', 'client_error', '408 request_timeout', dripping(HALF_BODY, ' ')),
  scenario('client/receive/garbage', 'no JSON', 'client_error', '400 bad_request', asking({ body: '{"model": nope}' })),
  scenario('client/receive/garbage', 'gzip that is none', 'client_error', '400 bad_request', asking({ fields: 'Content-Encoding: gzip\r\n' })),
  scenario('client/receive/huge', '33 MB announced', 'client_error', '413 too_large', asking({ body: '{', announced: 33 * 1024 * 1024 + 1 })),
  scenario('client/receive/huge', 'nested 5,000 deep', 'client_error', '400 bad_request', asking({ body: `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}` })),
  scenario('client/receive/duplicate', 'two models', 'client_error', '400 bad_request', asking({ body: '{"model":"a","mod\\u0065l":"b"}' })),
  scenario('client/receive/out_of_order', 'chunk before its size', 'client_error|client_gone|', '400 bad_request|closed', asking({ fields: 'Transfer-Encoding: chunked\r\n', body: `${STREAM_BODY}\r\n42\r\n0\r\n\r\n` })),
];

/** What clients do wrong before anything goes upstream. */
export const CLIENT_EARLY_SCENARIOS: readonly FaultScenario[] = [...ADMIT, ...AUTHENTICATE_AND_ROUTE, ...LIMIT, ...RECEIVE];
