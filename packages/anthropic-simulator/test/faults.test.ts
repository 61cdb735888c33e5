import { openAttentiveConnection, openRawConnection, parseMessage, statusOf, fieldValues } from '@penstock/test-support';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FAULT_NAMES, startSimulator, type Simulator } from '../src/index.ts';
import { parseFaults } from '../src/faults.ts';
import { askModel, jsonOf, openStream, requestBytes, QUESTION } from './fixture.ts';

let simulator: Simulator;
beforeAll(async () => { simulator = await startSimulator({ pacing: { firstTokenMs: 0, tokensPerSecond: 1_000_000 } }); });
afterAll(async () => { await simulator.close(); });

const fault = (value: string): Record<string, string> => ({ 'anthropic-simulator': value });
const RESPONSE = { kind: 'response' } as const;

describe('a broken body', () => {
  it.each([0, 1, 100, 517])('cut-at=%i: so many bytes, then FIN without a terminator', async (at) => {
    const connection = await openStream(simulator, 'sim-text', fault(`cut-at=${at}`));
    expect(await connection.closed()).toBe('fin');
    const message = parseMessage(connection.received(), { ...RESPONSE, ended: true });
    expect(message).toMatchObject({ framing: 'chunked', complete: false });
    expect(message?.body.length).toBe(at);
  });

  it.each([0, 1, 100, 517])('end-at=%i: so many bytes, then a clean end on a connection that lives on (a silent truncation)', async (at) => {
    const connection = await openStream(simulator, 'sim-text', fault(`end-at=${at}`));
    const message = await connection.readMessage(RESPONSE);
    expect(message).toMatchObject({ framing: 'chunked', complete: true });
    expect(message.body.length).toBe(at);
    connection.send(requestBytes('/v1/messages', { model: 'sim-text', ...QUESTION }));
    expect(statusOf(await connection.readMessage(RESPONSE))).toBe(200);
    connection.close();
  });

  it('reset-at=100: so many bytes, then RST', async () => {
    const connection = await openAttentiveConnection(simulator.port);
    connection.send(requestBytes('/v1/messages', { model: 'sim-text', ...QUESTION, stream: true }, fault('reset-at=100')));
    expect(await connection.closed()).toBe('reset');
    expect(parseMessage(connection.received(), RESPONSE)?.body.length).toBe(100);
  });

  it('stall-at=100: so many bytes, then nothing, until the client leaves', async () => {
    const connection = await openStream(simulator, 'sim-text', fault('stall-at=100'));
    await connection.waitFor((bytes) => parseMessage(bytes, RESPONSE)?.body.length === 100);
    expect(simulator.openStreams).toBe(1);
    const before = simulator.abandonedRequests;
    connection.close();
    await expect.poll(() => simulator.openStreams).toBe(0);
    expect(simulator.abandonedRequests).toBe(before + 1);
  });

  it('bad-chunk-at=100: so many bytes, then a line that is no chunk size', async () => {
    const connection = await openStream(simulator, 'sim-text', fault('bad-chunk-at=100'));
    await connection.closed();
    expect(() => parseMessage(connection.received(), RESPONSE)).toThrow('not a chunk size');
  });

  it('cut-at=end: every byte, but no terminator', async () => {
    const whole = await askModel(simulator, 'sim-text', { stream: true });
    const connection = await openStream(simulator, 'sim-text', fault('cut-at=end'));
    await connection.closed();
    const cut = parseMessage(connection.received(), RESPONSE);
    expect(cut?.complete).toBe(false);
    expect(cut?.body.equals(whole.body)).toBe(true);
  });

  it('leaves a body alone that is shorter than the fault', async () => {
    expect(await askModel(simulator, 'sim-text', { stream: true }, fault('cut-at=999999'))).toMatchObject({ complete: true });
  });

  it('cuts a body of announced length short', async () => {
    const connection = await openStream(simulator, 'sim-text', fault('content-length,end-at=50'));
    await connection.closed();
    const message = parseMessage(connection.received(), RESPONSE);
    expect(message).toMatchObject({ framing: 'content-length', complete: false });
    expect(message?.body.length).toBe(50);
  });
});

describe('framing and coding', () => {
  it('close-framed: neither length nor chunks, FIN ends the body', async () => {
    const whole = await askModel(simulator, 'sim-text', { stream: true });
    const connection = await openStream(simulator, 'sim-text', fault('close-framed'));
    expect(await connection.closed()).toBe('fin');
    const message = parseMessage(connection.received(), { ...RESPONSE, ended: true });
    expect(message).toMatchObject({ framing: 'close', complete: true });
    expect(message?.body.equals(whole.body)).toBe(true);
  });

  it('content-length: the whole body under one length', async () => {
    const whole = await askModel(simulator, 'sim-text', { stream: true });
    const message = await askModel(simulator, 'sim-text', { stream: true }, fault('content-length'));
    expect(message).toMatchObject({ framing: 'content-length', complete: true });
    expect(message.body.equals(whole.body)).toBe(true);
  });

  it('gzip only when offered, flushed for each event, and gzip or identity when told so', async () => {
    const whole = await askModel(simulator, 'sim-text', { stream: true });
    expect(fieldValues(whole.rawHeaders, 'content-encoding')).toEqual([]);
    for (const headers of [{ 'accept-encoding': 'gzip, deflate' }, fault('gzip')]) {
      const coded = await askModel(simulator, 'sim-text', { stream: true }, headers);
      expect(fieldValues(coded.rawHeaders, 'content-encoding')).toEqual(['gzip']);
      expect(gunzipSync(coded.body).equals(whole.body)).toBe(true);
      const markers = coded.body.toString('latin1').split('\u0000\u0000\u00FF\u00FF').length - 1;
      expect(markers).toBeGreaterThanOrEqual(whole.body.toString().split('\n\n').length - 1);
    }
    const plain = await askModel(simulator, 'sim-text', { stream: true }, { 'accept-encoding': 'gzip', ...fault('identity') });
    expect(plain.body.equals(whole.body)).toBe(true);
    expect(fieldValues((await askModel(simulator, 'sim-text', {}, { 'accept-encoding': 'gzip;q=0, br' })).rawHeaders, 'content-encoding')).toEqual([]);
  });

  it('unlabelled-gzip: compressed bytes without the field that says so', async () => {
    const answer = await askModel(simulator, 'sim-text', {}, fault('unlabelled-gzip'));
    expect(fieldValues(answer.rawHeaders, 'content-encoding')).toEqual([]);
    expect(JSON.parse(gunzipSync(answer.body).toString())).toMatchObject({ type: 'message' });
  });

  it('chunk=1: one byte a chunk', async () => {
    const answer = await askModel(simulator, 'sim-text', {}, fault('chunk=1'));
    expect(answer.bytes.toString('latin1').split('\r\n1\r\n').length - 1).toBe(answer.body.length);
  });

  it('trailer: a field after the last chunk', async () => {
    expect((await askModel(simulator, 'sim-text', {}, fault('trailer'))).rawTrailers).toEqual(['x-simulator-trailer', 'present']);
  });

  it('latin1-header: the byte E9 in a header value', async () => {
    const answer = await askModel(simulator, 'sim-text', { stream: true }, fault('latin1-header'));
    expect(fieldValues(answer.rawHeaders, 'x-latin1')).toEqual(['caf\u00E9 \u00A9']);
  });

  it('no-keep-alive: says so and closes', async () => {
    const connection = await openStream(simulator, 'sim-text', fault('no-keep-alive'));
    expect(fieldValues((await connection.readMessage(RESPONSE)).rawHeaders, 'connection')).toEqual(['close']);
    expect(await connection.closed()).toBe('fin');
  });
});

describe('before the body', () => {
  it.each([['close-before-head', 'fin'], ['reset-before-head', 'reset']])('%s: the connection ends with no answer', async (name, end) => {
    const connection = await openStream(simulator, 'sim-text', fault(name));
    expect(await connection.closed()).toBe(end);
    expect(connection.received().length).toBe(0);
  });

  it('garbage: bytes that are no HTTP', async () => {
    const connection = await openStream(simulator, 'sim-text', fault('garbage'));
    await connection.closed();
    expect(connection.received().toString('latin1')).not.toContain('HTTP/1.1');
    expect(connection.received().length).toBeGreaterThan(10);
  });

  it('early-hints: a 103 before the answer', async () => {
    const connection = await openStream(simulator, 'sim-text', fault('early-hints'));
    expect(statusOf(await connection.readMessage(RESPONSE))).toBe(103);
    expect(statusOf(await connection.readMessage(RESPONSE))).toBe(200);
    connection.close();
  });

  it('redirect: a 307 with the location and no body', async () => {
    const answer = await askModel(simulator, 'sim-text', {}, fault('redirect=https://elsewhere.example/v1/messages?a=b'));
    expect(statusOf(answer)).toBe(307);
    expect(fieldValues(answer.rawHeaders, 'location')).toEqual(['https://elsewhere.example/v1/messages?a=b']);
  });

  it('delay-head and pace wait as long as they say', async () => {
    const waited: number[] = [];
    const clock = { now: () => 0, wait: async (delayMs: number) => { waited.push(delayMs); } };
    await using timed = await startSimulator({ clock, pacing: { firstTokenMs: 0, tokensPerSecond: 1_000_000 } });
    const answer = await askModel(timed, 'sim-text', { stream: true }, fault('delay-head=1234,pace=50'));
    expect(waited[0]).toBe(1_234);
    expect(waited.slice(1)).toEqual(Array.from({ length: answer.body.toString().split('\n\n').length - 1 }, () => 50));
  });
});

describe('forced errors', () => {
  it.each([[400, 'invalid_request_error'], [401, 'authentication_error'], [402, 'billing_error'], [403, 'permission_error'], [404, 'not_found_error'], [409, 'conflict_error'],
    [413, 'request_too_large'], [429, 'rate_limit_error'], [500, 'api_error'], [504, 'timeout_error'], [529, 'overloaded_error']])('status=%i has the type %s and one id in header and body', async (status, type) => {
    const answer = await askModel(simulator, 'sim-text', { stream: true }, fault(`status=${status}`));
    expect(statusOf(answer)).toBe(status);
    expect(jsonOf(answer)).toMatchObject({ type: 'error', error: { type }, request_id: fieldValues(answer.rawHeaders, 'request-id')[0] });
    expect(fieldValues(answer.rawHeaders, 'anthropic-organization-id').length).toBe(status === 401 ? 0 : 1);
  });

  it.each([403, 413, 520])('html-error=%i is a page of the edge: no JSON, no request id', async (status) => {
    const answer = await askModel(simulator, 'sim-text', {}, fault(`html-error=${status}`));
    expect(statusOf(answer)).toBe(status);
    expect(fieldValues(answer.rawHeaders, 'content-type')).toEqual(['text/html; charset=UTF-8']);
    expect(fieldValues(answer.rawHeaders, 'request-id')).toEqual([]);
    expect(answer.body.toString()).toMatch(/^<!DOCTYPE html>/);
  });

  it('carries a retry-after where it is asked to', async () => {
    const answer = await askModel(simulator, 'sim-text', {}, fault('status=429,retry-after=12'));
    expect(fieldValues(answer.rawHeaders, 'retry-after')).toEqual(['12']);
  });
});

describe('the fault header itself', () => {
  it('refuses a word it does not know (a typo must not pass for a fault that did nothing)', async () => {
    const answer = await askModel(simulator, 'sim-text', {}, fault('cut-att=5'));
    expect(statusOf(answer)).toBe(400);
    expect(answer.body.toString()).toContain('unknown fault `cut-att`');
    for (const bad of ['cut-at', 'cut-at=-1', 'status=99', 'gzip=yes', 'chunk=0', 'redirect=']) expect(parseFaults(bad).ok, bad).toBe(false);
  });

  it('names every fault it takes', () => {
    for (const name of FAULT_NAMES) expect(['', '=1', '=500'].some((value) => parseFaults(name + value).ok), name).toBe(true);
  });

  it('breaks any route, not only messages', async () => {
    const connection = await openRawConnection(simulator.port);
    connection.send(requestBytes('/v1/models', undefined, { ...fault('cut-at=20') }, 'GET'));
    await connection.closed();
    expect(parseMessage(connection.received(), RESPONSE)).toMatchObject({ complete: false });
  });
});

describe('around the exchange', () => {
  it('close-after: a whole keep-alive answer, then FIN (the race that a pool loses)', async () => {
    const connection = await openStream(simulator, 'sim-text', fault('close-after'));
    const message = await connection.readMessage(RESPONSE);
    expect(fieldValues(message.rawHeaders, 'connection')).toEqual(['keep-alive']);
    expect(message.complete).toBe(true);
    expect(await connection.closed()).toBe('fin');
  });

  it('second-response: sends an unrequested response on the idle connection', async () => {
    const connection = await openStream(simulator, 'sim-text', fault('second-response'));
    expect((await connection.readMessage(RESPONSE)).complete).toBe(true);
    expect((await connection.readMessage(RESPONSE)).body.toString()).toBe('unasked\r\n');
    connection.close();
  });

  it('unread-body: takes nothing beyond what the kernel takes, so that a sender stalls', async () => {
    // A simulator of its own: one that does not read does not see its client leave either, only its own close ends it.
    await using deaf = await startSimulator();
    const connection = await openRawConnection(deaf.port);
    const bytes = requestBytes('/v1/files', 'x'.repeat(24 * 1024 * 1024), fault('unread-body'));
    expect(connection.socket.write(bytes)).toBe(false);
    await expect.poll(() => deaf.openStreams).toBe(1);
    expect(connection.socket.writableLength).toBeGreaterThan(0);
    connection.close();
  });

  it('answer-early: answers while the body is still on its way', async () => {
    for (const [words, status] of [['answer-early', 413], ['answer-early,status=400', 400]] as const) {
      const connection = await openRawConnection(simulator.port);
      connection.send(requestBytes('/v1/messages', '{', { 'content-length': '1000', ...fault(words) }));
      expect(statusOf(await connection.readMessage(RESPONSE))).toBe(status);
      connection.close();
    }
  });
});
