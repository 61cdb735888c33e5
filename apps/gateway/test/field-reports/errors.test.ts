// Field reports, group D: errors and retries.
import Anthropic from '@anthropic-ai/sdk';
import { answerAlways, fieldValues, freePort, openRawConnection, startScriptedUpstream, statusOf, wholeResponse, type ConnectionScript, type WireMessage } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { startTestGateway, type ConfigDocument, type TestGateway } from '../start-test-gateway.ts';
import { ask, requestBytes } from './native-request.ts';

async function behind<Result>(script: ConnectionScript, use: (gateway: TestGateway) => Promise<Result>, document: ConfigDocument = {}): Promise<Result> {
  await using upstream = await startScriptedUpstream(script);
  await using gateway = await startTestGateway(upstream.origin, document);
  return await use(gateway);
}

const answerOf = (response: WireMessage): unknown[] => [statusOf(response), fieldValues(response.rawHeaders, 'content-type'), response.body.toString('latin1'), fieldValues(response.rawHeaders, 'x-penstock-error')];

describe('an error of the upstream crosses untouched', () => {
  test.each([400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 431, 451, 499, 500, 501, 502, 503, 504, 508, 520, 522, 524, 529, 598])('status %i, with its body and hints (FR-61, FR-62)', async (status) => {
    const body = `{"type":"error","error":{"type":"api_error","message":"number ${status}"}, "odd" : [ ]}`;
    const fields = ['content-type', 'application/json', 'retry-after', '3', 'x-should-retry', 'false', 'request-id', 'req_9'];
    await behind(answerAlways(wholeResponse(status, fields, body)), async (gateway) => {
      const response = await ask(gateway.port, { body: '{}' });
      expect(answerOf(response)).toEqual([status, ['application/json'], body, []]);
      expect(['retry-after', 'x-should-retry', 'request-id'].map((name) => fieldValues(response.rawHeaders, name)[0])).toEqual(['3', 'false', 'req_9']);
      expect(await gateway.recorded(1)).toMatchObject([{ status, outcome: status === 401 || status === 403 ? 'upstream_credential_refused' : 'upstream_error', upstream_request_id: 'req_9' }]);
    });
  });

  test.each([['of a few bytes', 100], ['of 5 MB', 5_000_000]])('a page of HTML %s, with its length (FR-64, FR-67)', async (_name, size) => {
    const page = `<html><body>504 Gateway Time-out ${'\xe9'.repeat(size)}</body></html>`;
    const bytes = Buffer.from(page, 'latin1');
    await behind(answerAlways(wholeResponse(504, ['Content-Type', 'text/html; charset=iso-8859-1', 'CF-RAY', '1'], bytes)), async (gateway) => {
      const response = await fetch(`${gateway.anthropic}/v1/messages`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
      expect([response.status, response.headers.get('content-type'), response.headers.get('content-length')]).toEqual([504, 'text/html; charset=iso-8859-1', String(bytes.length)]);
      expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
      const client = new Anthropic({ apiKey: 'k', baseURL: gateway.anthropic, maxRetries: 0 });
      await expect(client.messages.create({ model: 'm', max_tokens: 1, messages: [] })).rejects.toMatchObject({ status: 504 });
    });
  });

  test.each(['application/vnd.amazon.eventstream', 'application/octet-stream', 'image/png', 'of/tomorrow;x="y"', ''])('bytes of the type %j, error or not (FR-72)', async (contentType) => {
    const bytes = Buffer.from(Array.from({ length: 2_000 }, (_, index) => (index * 7) % 256));
    for (const status of [200, 500]) {
      await behind(answerAlways(wholeResponse(status, contentType === '' ? [] : ['content-type', contentType], bytes)), async (gateway) => {
        const response = await ask(gateway.port, { body: '{}' });
        expect(answerOf(response)).toEqual([status, contentType === '' ? [] : [contentType], bytes.toString('latin1'), []]);
      });
    }
  });
});

/** Words that only the inside of the gateway knows. */
const INTERNALS = /node:|\bat \/|\.ts|\.js|undici|UND_ERR|ECONN|ENOTFOUND|127\.0\.0\.1|stack|socket|penstock\//i;

describe('an error of the gateway\'s own says which hop failed and nothing of its inside', () => {
  const head = 'HTTP/1.1 200 OK\r\n';
  test.each<readonly [string, ConnectionScript, number, string, string]>([
    ['a reset before the head', async (connection) => { await connection.nextRequest(); connection.reset(); }, 502, 'upstream_reset', 'upstream_reset'],
    ['an end before the head', async (connection) => { await connection.nextRequest(); connection.socket.end(); }, 502, 'upstream_reset', 'upstream_reset'],
    ['noise instead of HTTP', async (connection) => { await connection.nextRequest(); connection.send('SSH-2.0-OpenSSH_9.2\r\n\r\n'); }, 502, 'upstream_invalid', 'upstream_reset'],
    ['both lengths', async (connection) => { await connection.nextRequest(); connection.send(`${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`); }, 502, 'upstream_invalid', 'upstream_reset'],
    ['silence', async (connection) => { await connection.nextRequest(); }, 504, 'upstream_timeout', 'upstream_timeout'],
  ])('%s (FR-61, FR-63, FR-65, FR-66, FR-68)', async (_name, script, status, code, outcome) => {
    await behind(script, async (gateway) => {
      const response = await ask(gateway.port, { body: '{}' });
      const body = JSON.parse(response.body.toString()) as { error: { message: string } };
      expect([statusOf(response), fieldValues(response.rawHeaders, 'x-penstock-error')]).toEqual([status, [code]]);
      expect(body).toMatchObject({ type: 'error', error: { type: expect.any(String) as string }, request_id: fieldValues(response.rawHeaders, 'request-id')[0] });
      expect(response.bytes.toString('latin1').replace(/^Host:.*$/gm, '')).not.toMatch(INTERNALS);
      const [entry] = await gateway.recorded(1);
      expect(entry).toMatchObject({ status, outcome, failure: expect.anything() as unknown });
    }, { anthropic_native: { timeouts: { message_headers: code === 'upstream_timeout' ? 0.4 : 600 } } });
  });

  test('a port without a listener is unreachable, at once (FR-65, FR-68, FR-71)', async () => {
    // No clock ends before the test does: the answer waits for none.
    await using gateway = await startTestGateway(`http://127.0.0.1:${await freePort()}`, { anthropic_native: { timeouts: { slot_wait: 3_600, connect: 3_600, message_headers: 3_600 } } });
    const response = await ask(gateway.port, { body: '{}' });
    expect([statusOf(response), fieldValues(response.rawHeaders, 'x-penstock-error'), fieldValues(response.rawHeaders, 'x-should-retry')]).toEqual([502, ['upstream_unreachable'], ['true']]);
    expect(response.bytes.toString('latin1')).not.toMatch(INTERNALS);
    expect(await gateway.recorded(1)).toMatchObject([{ outcome: 'upstream_unreachable' }]);
  });
});

test('answers never have both lengths, however the upstream framed its own (FR-66)', async () => {
  const framings = ['Content-Length: 2\r\n\r\n{}', 'Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n'];
  for (const framing of framings) {
    for (const status of [200, 400, 500]) {
      await behind(answerAlways(`HTTP/1.1 ${status} Framed\r\nContent-Type: application/json\r\nConnection: keep-alive, x-private\r\nKeep-Alive: timeout=5\r\nX-Private: 1\r\n${framing}`), async (gateway) => {
        const { rawHeaders, body } = await ask(gateway.port, { body: '{}' });
        expect([...fieldValues(rawHeaders, 'content-length'), ...fieldValues(rawHeaders, 'transfer-encoding')].length).toBe(1);
        expect([body.toString(), fieldValues(rawHeaders, 'x-private'), fieldValues(rawHeaders, 'proxy-connection')]).toEqual(['{}', [], []]);
      });
    }
  }
});

test('a connection that the upstream closed while it was idle costs no request (FR-70, FR-102)', async () => {
  let served = 0;
  await behind(async (connection) => {
    await connection.nextRequest(60_000);
    served += 1;
    // A whole answer that promises to live on, then FIN: the race that pools lose.
    connection.send(wholeResponse(200, ['content-type', 'application/json', 'connection', 'keep-alive'], '{}'));
    connection.socket.end();
  }, async (gateway) => {
    const client = await openRawConnection(gateway.port);
    for (let index = 0; index < 50; index += 1) {
      client.send(requestBytes({ body: '{}' }));
      expect(statusOf(await client.readMessage({ kind: 'response' }))).toBe(200);
    }
    client.close();
    expect(served).toBe(50);
  });
});

test('nothing is judged that only the API can judge: models, bounds and members cross as they are (FR-73)', async () => {
  const bodies = ['{"model":"of-tomorrow","max_tokens":64000,"messages":[]}', '{"max_tokens":-1}', '{"model":"","stream":false,"max_tokens":1e9,"thinking":{"budget_tokens":999999}}', '{}'];
  await behind(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{}')), async (gateway) => {
    for (const body of bodies) expect(statusOf(await ask(gateway.port, { body }))).toBe(200);
  });
});
