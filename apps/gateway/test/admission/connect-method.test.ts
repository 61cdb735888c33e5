import { fieldValues, openRawConnection, sendRawRequest, statusOf, type RawConnection } from '@penstock/test-support';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestOperations } from '../release/start-test-operations.ts';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

let gateway: TestGateway;
beforeAll(async () => { gateway = await startTestGateway('http://127.0.0.1:9'); });
afterAll(() => gateway.close());

const CONNECT = 'CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n';

test('CONNECT is answered 405 and the connection closed, with what to do instead (HTTPS_PROXY that names the gateway)', async () => {
  const connection = await openRawConnection(gateway.port);
  connection.send(CONNECT);
  const response = await connection.readMessage({ kind: 'response' });
  expect([statusOf(response), fieldValues(response.rawHeaders, 'allow'), fieldValues(response.rawHeaders, 'connection')]).toEqual([405, ['GET, HEAD, POST, DELETE'], ['close']]);
  expect(JSON.parse(response.body.toString())).toEqual({ error: { message: expect.stringContaining('base URL') as string } });
  expect(await connection.closed()).toBe('fin');
  await expect.poll(() => gateway.logged.at(-1)).toMatchObject({ msg: 'refused', method: 'CONNECT', status: 405 });
});

test('CONNECT: bytes behind it are no request, and the listener goes on', async () => {
  const connection: RawConnection = await openRawConnection(gateway.port);
  connection.send(`${CONNECT}GET / HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await connection.closed();
  expect(connection.received().toString('latin1').match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 405']);
  expect(statusOf(await sendRawRequest(gateway.port, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'))).toBe(200);
});

test('a client that leaves behind its CONNECT leaves nothing behind', async () => {
  for (let index = 0; index < 5; index += 1) {
    const connection = await openRawConnection(gateway.port);
    connection.send(CONNECT);
    connection.reset();
  }
  expect(statusOf(await sendRawRequest(gateway.port, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'))).toBe(200);
});

test('the absolute form is answered 400, with what to do instead (HTTP_PROXY that names the gateway)', async () => {
  const response = await sendRawRequest(gateway.port, 'GET http://api.example/v1/models HTTP/1.1\r\nHost: api.example\r\n\r\n');
  expect(statusOf(response)).toBe(400);
  expect(response.body.toString()).toContain('base URL');
});

test('the operations listener answers CONNECT 405', async () => {
  const operations = await startTestOperations();
  const response = await sendRawRequest(operations.port, CONNECT);
  expect([statusOf(response), fieldValues(response.rawHeaders, 'allow')]).toEqual([405, ['GET, HEAD']]);
  await operations.close();
});
