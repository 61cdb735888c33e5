import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { answerAlways, openRawConnection, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import * as fc from 'fast-check';
import { Client } from 'undici';
import { expect, test } from 'vitest';
import { anthropicHeaderRules, createHeaderPolicy, safeStatusMessage, type HeaderPolicy } from '../src/index.ts';
import { fieldSection, hostileSection } from './arbitrary-headers.ts';

const POLICIES = [createHeaderPolicy(anthropicHeaderRules), createHeaderPolicy({ allowRequest: ['*'] })];
const anySection = fc.oneof(fieldSection, hostileSection);
const reasonPhrase = fc.oneof(fc.constantFrom('OK', '', 'Site Overloaded', 'a\tb', 'Ge\uFFFDndert', 'a\r\nset-cookie: x', 'caf\xe9', '\0', '\x7f'), fc.string({ unit: 'binary', maxLength: 20 }));

test.each([
  [200, 'OK', 'OK'], [200, 'Fine by me', 'Fine by me'], [200, '', ''], [529, 'Site Overloaded', 'Site Overloaded'], [404, 'Nicht gefund\uFFFDn', 'Not Found'],
  [404, 'caf\xe9', 'Not Found'], [529, '\r\nx: y', ''], [200, '\x7f', 'OK'], [999, '\0', ''],
])('the phrase of %i %j becomes %j', (status, phrase, safe) => {
  expect(safeStatusMessage(status, phrase)).toBe(safe);
});

test('node:http writes every forwarded response without a throw, byte for byte and in order, with a phrase it takes', async () => {
  const server = createServer({ requireHostHeader: false });
  const port = await listen(server);
  const connection = await openRawConnection(port);
  await fc.assert(fc.asyncProperty(anySection, reasonPhrase, fc.constantFrom(200, 206, 400, 529), fc.constantFrom(...POLICIES), async (fields, phrase, status, policy) => {
    const { headers } = policy.forwardResponseHeaders(fields);
    server.once('request', (_, response) => {
      response.writeHead(status, safeStatusMessage(status, phrase), headers);
      response.end();
    });
    connection.send('HEAD / HTTP/1.1\r\n\r\n');
    const message = await connection.readMessage({ kind: 'response', toHead: true });
    expect(message.startLine).toBe(`HTTP/1.1 ${status} ${safeStatusMessage(status, phrase)}`);
    expect(message.rawHeaders.slice(0, headers.length)).toEqual(headers.map((text) => text.replaceAll(/^[ \t]+|[ \t]+$/g, '')));
  }), { numRuns: 400 });
  connection.close();
  server.closeAllConnections();
  server.close();
});

test('undici sends every forwarded request without a throw, byte for byte and in order', async () => {
  await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, [], 'ok')));
  const client = new Client(upstream.origin, { allowH2: false });
  await fc.assert(fc.asyncProperty(anySection, fc.boolean(), fc.constantFrom(...POLICIES), async (fields, forwardCredentials, policy) => {
    const headers = await sendThrough(policy, client, fields, forwardCredentials);
    if (headers === undefined) return;
    // undici writes its own two fields first.
    expect(upstream.requests.at(-1)?.rawHeaders).toEqual(['host', `127.0.0.1:${upstream.port}`, 'connection', 'keep-alive', ...headers]);
  }), { numRuns: 400 });
  await client.close();
});

async function sendThrough(policy: HeaderPolicy, client: Client, fields: string[], forwardCredentials: boolean): Promise<string[] | undefined> {
  const result = policy.forwardRequestHeaders(fields, forwardCredentials ? { forwardCredentials } : { set: ['x-api-key', 'ours', 'via', '1.1 penstock'] });
  if (!result.ok) return undefined;
  const response = await client.request({ method: 'GET', path: '/', headers: result.headers });
  await response.body.dump();
  return result.headers.map((text) => text.replaceAll(/^[ \t]+|[ \t]+$/g, ''));
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') expect.fail('the server has no port');
  return address.port;
}
