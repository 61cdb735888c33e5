import { answerAlways, fieldValues, openRawConnection, startScriptedUpstream, wholeResponse, type WireMessage } from '@penstock/test-support';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { REQUEST_CORPUS } from '../../admission/corpus/request-corpus.ts';
import { startTestGateway, TEST_KEY } from '../../start-test-gateway.ts';
import { FUZZ } from './fuzz-time.ts';

const SEEDS = REQUEST_CORPUS.map(({ bytes }) => Buffer.from(bytes, 'latin1')).filter(({ length }) => length < 4_096);
/** Pieces that have meant something to some parser. */
const PIECES = [
  '\r\n', '\n', '\r', '\0', ' ', '\t', ':', ';', '0\r\n\r\n', '\r\n\r\n', 'Content-Length: 5\r\n', 'Content-Length: 0\r\n', 'Transfer-Encoding: chunked\r\n', 'Transfer-Encoding:\tchunked\r\n',
  'Host: localhost\r\n', 'Connection: content-length\r\n', 'Expect: 100-continue\r\n', 'x-api-key: a\r\n', 'anthropic-beta: a\r\n', 'GET /anthropic/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n',
  '/../', '%2e%2e', '%2f', '\\', '#', '?', 'http://elsewhere.example', 'HTTP/1.0', 'HTTP/2.0', 'ffffffffffffffff\r\n', '\u00ff', '{"model":"a"}', '"model"', '\\ud800',
].map((piece) => Buffer.from(piece, 'latin1'));

type Mutation = { readonly kind: 'flip' | 'delete' | 'repeat' | 'insert' | 'splice'; readonly at: number; readonly length: number; readonly pick: number };

const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom('flip', 'delete', 'repeat', 'insert', 'splice'), at: fc.double({ min: 0, max: 0.999, noNaN: true }), length: fc.integer({ min: 1, max: 24 }), pick: fc.nat(10_000),
});

function mutate(bytes: Buffer, { kind, at, length, pick }: Mutation): Buffer {
  const offset = Math.floor(at * bytes.length);
  const [before, after] = [bytes.subarray(0, offset), bytes.subarray(offset)];
  switch (kind) {
    case 'flip': return Buffer.concat([before, Buffer.from([(after[0] ?? 0) ^ (1 << (pick % 8))]), after.subarray(1)]);
    case 'delete': return Buffer.concat([before, after.subarray(length)]);
    case 'repeat': return Buffer.concat([before, after.subarray(0, length), after]);
    case 'insert': return Buffer.concat([before, PIECES[pick % PIECES.length] as Buffer, after]);
    default: {
      const other = SEEDS[pick % SEEDS.length] as Buffer;
      return Buffer.concat([before, other.subarray(Math.floor(at * other.length))]);
    }
  }
}

/** What is wrong with a request that reached the upstream. */
function problemOf({ startLine, rawHeaders, body }: WireMessage): string | undefined {
  const framings = fieldValues(rawHeaders, 'content-length').length + fieldValues(rawHeaders, 'transfer-encoding').length;
  const [method = '', target = '', version] = startLine.split(' ');
  if (version !== 'HTTP/1.1' || !/^\/v1\/[\x21-\x7e]*$/.test(target) || /(?:^|\/)\.{1,2}(?:\/|$|\?)|%2e|%2f|\\|#/i.test(target.split('?')[0] ?? '')) return `start line ${JSON.stringify(startLine)}`;
  if (framings > 1 || (body.length > 0 && framings !== 1)) return `${framings} framing fields`;
  if (fieldValues(rawHeaders, 'x-api-key').join() !== TEST_KEY || fieldValues(rawHeaders, 'authorization').length > 0) return 'a credential that is not ours';
  if (fieldValues(rawHeaders, 'host').length !== 1) return 'more or less than one Host';
  return /^(?:GET|POST|DELETE)$/.test(method) ? undefined : `method ${method}`;
}

test('no mutated request makes the gateway fail, or reach the upstream in more than one reading', { timeout: 150_000 }, async () => {
  await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{}')));
  await using gateway = await startTestGateway(upstream.origin, { openai_front_door: { enabled: false } }, { inboundLimits: { headersTimeoutMs: 500, bodyStepTimeoutMs: 500, connectionsCheckingIntervalMs: 50, lingerIdleMs: 50, lingerMs: 500 } });
  let runs = 0;
  let checked = 0;
  await fc.assert(fc.asyncProperty(fc.nat(SEEDS.length - 1), fc.array(mutation, { minLength: 1, maxLength: 4 }), async (seed, mutations) => {
    runs += 1;
    const connection = await openRawConnection(gateway.port);
    connection.send(mutations.reduce(mutate, SEEDS[seed] as Buffer));
    // What waits for more is ended soon; a request that is whole has time to be answered.
    await connection.waitFor(({ length }) => length > 0, 40).catch(() => undefined);
    connection.socket.end();
    await connection.closed();
    const answer = connection.received().toString('latin1');
    expect(answer).toMatch(/^(?:$|HTTP\/1\.1 [1-5]\d\d )/);
    expect(answer).not.toContain('x-penstock-error: internal');
    for (; checked < upstream.requests.length; checked += 1) expect(problemOf(upstream.requests[checked] as WireMessage)).toBeUndefined();
  }), FUZZ);
  const next = await fetch(`${gateway.anthropic}/v1/models`);
  expect(next.status).toBe(200);
  await expect.poll(() => gateway.sum('penstock_requests_in_flight{side="native"}')).toBe(0);
  expect(await gateway.sum('penstock_request_outcomes_total{side="native",outcome="internal"}')).toBe(0);
  expect(gateway.logged.filter(({ msg }) => msg === 'internal error')).toEqual([]);
  console.log(`fuzz: ${runs} mutated requests, ${checked} reached the upstream, each well-formed`);
});
