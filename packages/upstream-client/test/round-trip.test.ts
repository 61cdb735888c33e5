import { connect } from 'node:net';
import { once } from 'node:events';
import { startScriptedUpstream } from '@penstock/test-support';
import { expect, it } from 'vitest';
import { measureRoundTrip } from '../src/connect/round-trip.ts';

it('a round trip is never measured longer because the event loop was busy (answers would be refused that came in time)', async () => {
  await using upstream = await startScriptedUpstream(async (connection) => { await connection.closed(); });
  for (const when of ['connectionAttempt', 'lookup'] as const) {
    const socket = connect(upstream.port, 'localhost');
    const roundTrip = measureRoundTrip(socket);
    let blockedMs = 0;
    socket.once(when, () => {
      const from = performance.now();
      while (performance.now() - from < 100) { /* The handshake is over long before. */ }
      blockedMs = performance.now() - from;
    });
    await once(socket, 'connect');
    expect(blockedMs).toBeGreaterThanOrEqual(100);
    expect(roundTrip.ms ?? 0).toBeLessThan(blockedMs);
    // Nothing of the measurement stays with the connection.
    expect(socket.listenerCount('connectionAttempt')).toBe(0);
    socket.destroy();
  }
});
