import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openRawConnection } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import type { FrontDoorError } from '../../src/index.ts';
import { watchDeparture } from '../../src/routes/departure.ts';

const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';

describe('a client that leaves in the turn in which the backend breaks as well', () => {
  it.each(['reset', 'fin'] as const)('is gone, not failed (%s)', async (leaves) => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = await openRawConnection((server.address() as AddressInfo).port);
    client.send(GET);
    const [, response] = await once(server, 'request') as [unknown, ServerResponse];
    const departure = watchDeparture(response);
    const failure = new Error('the backend broke');
    expect(departure.cause(failure)).toBe(undefined);
    const cause = Promise.withResolvers<FrontDoorError | undefined>();
    // Behind Node's own listeners, which know by then; the response is told by the later `close`.
    response.req.socket.once(leaves === 'fin' ? 'end' : 'error', () => {
      expect(departure.signal.aborted).toBe(false);
      cause.resolve(departure.cause(failure));
    });
    if (leaves === 'fin') client.socket.end(); else client.reset();
    expect(await cause.promise).toMatchObject({ code: 'client_gone', cause: failure });
    departure.stop();
    client.close();
    server.close();
    await once(server, 'close');
  });
});
