import { startScriptedUpstream, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { createUpstreamClient } from './plain.ts';
import { dispatchRequest } from './dispatch-request.ts';
import { HOSTILE_BEHAVIOURS, type HostileBehaviour } from './hostile-behaviours.ts';

/** Longer than every clock of the client below, on a busy machine as well: a request that is still open then has escaped them. */
const TIMEOUT_MS = 60_000;

/** The first connection misbehaves, every later one answers correctly. */
function startHostile(behaviour: HostileBehaviour): Promise<ScriptedUpstream> {
  return startScriptedUpstream(async (connection) => {
    if (connection.index === 0) {
      if (behaviour.atConnect !== true) {
        if (behaviour.request?.method === 'HEAD') await connection.waitFor((unread) => unread.includes('\r\n\r\n'));
        else await connection.nextRequest();
      }
      await behaviour.act(connection);
    }
    while (connection.end() === 'open') {
      const request = await connection.nextRequest(60_000);
      if (!request.complete) return;
      connection.send(wholeResponse(200, [], 'correct'));
    }
  });
}

describe('against a hostile upstream', () => {
  it('is tried with at least sixty behaviours', () => {
    expect(HOSTILE_BEHAVIOURS.length).toBeGreaterThanOrEqual(60);
    expect(new Set(HOSTILE_BEHAVIOURS.map(({ name }) => name)).size).toBe(HOSTILE_BEHAVIOURS.length);
  });

  it.concurrent.each(HOSTILE_BEHAVIOURS)('ends $name in $expected, and the next request succeeds', async (behaviour) => {
    await using upstream = await startHostile(behaviour);
    await using client = createUpstreamClient({ origin: upstream.origin, timeouts: { connectMs: 3_000, headersMs: 3_000, idleMs: 3_000 } });
    const closed = Promise.withResolvers<void>();
    client.on('disconnected', () => { closed.resolve(); });
    const { error, status, endings } = await dispatchRequest(client, { body: '{}', ...behaviour.request }).result;
    const outcome = error === undefined ? `ok ${status}` : 'code' in error ? error.code : error.name;
    expect([behaviour.expected].flat()).toContain(outcome);
    expect(endings).toBe(1);
    if (behaviour.mustClose === true && client.stats().open > 0) await closed.promise;
    const next = await dispatchRequest(client, { body: '{}', timeouts: { headersMs: 15_000, idleMs: 15_000 } }).result;
    expect(next).toMatchObject({ status: 200, body: 'correct', error: undefined });
    expect(client.stats()).toMatchObject({ active: 0, waiting: 0, connecting: 0 });
  }, TIMEOUT_MS);
});
