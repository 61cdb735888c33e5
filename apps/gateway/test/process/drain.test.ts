import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { createDrain } from '../../src/process/drain.ts';
import { createLifecycle } from '../../src/process/lifecycle.ts';

test.each(['run', 'closeNow'] as const)('%s ends when the last request is settled, which is some turns after its connection is gone (its line and its cost would come too late)', async (ending) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const order: string[] = [];
  let open = 1;
  server.once('close', () => {
    setTimeout(() => {
      order.push('settled');
      open = 0;
    }, 50);
  });
  const drain = createDrain({
    server, lifecycle: createLifecycle(), settings: () => ({ preStopDelayMs: 0, drainTimeoutMs: 60_000 }), interrupt: () => undefined,
    openRequests: () => open, closeUpstreams: () => { order.push('closed'); return Promise.resolve(); },
  });
  await drain[ending]();
  expect(order).toEqual(['settled', 'closed']);
});
