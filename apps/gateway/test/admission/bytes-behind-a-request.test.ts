import { fieldValues, openRawConnection, startScriptedUpstream, statusOf } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { startTestGateway } from '../start-test-gateway.ts';

const REQUEST = 'GET /anthropic/v1/models HTTP/1.1\r\nHost: localhost\r\n';
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const [FIRST, SECOND] = ['event: a\ndata: 1\n\n', 'event: b\ndata: 2\n\n'];
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

/** What no parser takes for a request, and what it waits for in vain. */
const BEHIND = { 'no request': '\x16\x03\x01 nonsense\r\n\r\n', 'a blank': ' \r\n\r\n', 'half a head': 'GET /anthropic/v1/mod' };
// Long enough for the heads that this test sends whole, on a busy machine too.
const SHORT_CLOCKS = { inboundLimits: { headersTimeoutMs: 1_000, connectionsCheckingIntervalMs: 20, lingerIdleMs: 20 } };

describe('what follows a whole request is no part of it: its answer goes out, then the connection ends', () => {
  test.each(Object.entries(BEHIND).flatMap(([name, bytes]) => (['keep-alive', 'close'] as const).map((connection) => [name, connection, bytes] as const)))(
    '%s behind a request with connection: %s, before the answer begins and while it streams', async (_name, connection, bytes) => {
      const asked = Promise.withResolvers<void>();
      const [mayBegin, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      await using upstream = await startScriptedUpstream(async (from) => {
        await from.nextRequest();
        asked.resolve();
        await mayBegin.promise;
        from.send(HEAD + chunk(FIRST));
        await mayEnd.promise;
        from.send(`${chunk(SECOND)}0\r\n\r\n`);
      });
      await using gateway = await startTestGateway(upstream.origin, {}, SHORT_CLOCKS);
      const client = await openRawConnection(gateway.port);
      client.send(`${REQUEST}Connection: ${connection}\r\n\r\n`);
      await asked.promise;
      client.send(bytes);
      await untilHeadsTimeOut(gateway.port);
      mayBegin.resolve();
      await client.waitFor((unread) => unread.includes('data: 1'));
      client.send(bytes);
      mayEnd.resolve();
      const answer = await client.readMessage({ kind: 'response' });
      expect([statusOf(answer), answer.complete, answer.body.toString()]).toEqual([200, true, FIRST + SECOND]);
      expect(fieldValues(answer.rawHeaders, 'x-penstock-error')).toEqual([]);
      await client.closed();
      expect(client.received().length).toBe(answer.bytes.length);
    });
});

/** Resolves when the gateway has given up on a head that began later than those sent so far. */
async function untilHeadsTimeOut(port: number): Promise<void> {
  const witness = await openRawConnection(port);
  witness.send(BEHIND['half a head']);
  await witness.closed();
}
