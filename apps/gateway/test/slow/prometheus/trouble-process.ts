import { writeFile } from 'node:fs/promises';
import { openRawConnection, type RawConnection } from '@penstock/test-support';
import { during, pause } from './cause-incidents.ts';
import type { SpawnedGateway } from './spawn-gateway.ts';
import type { Prometheus } from './start-prometheus.ts';

/** The key of the only client of the gateway whose process gets into trouble; it has a limit, which is kept in a store. */
export const STORED_CLIENT_KEY = 'pen_stored';

/** Waits for an alert of the gateway whose process gets into trouble. */
async function firing(prometheus: Prometheus, alert: string): Promise<void> {
  await prometheus.until(`ALERTS{alertname="${alert}", alertstate="firing", job="penstock-process"}`);
}

function send(gateway: SpawnedGateway, body: string, init: Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> } = {}): Promise<string> {
  const headers = { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', 'x-api-key': STORED_CLIENT_KEY, ...init.headers };
  return fetch(`${gateway.anthropic}/v1/messages`, { ...init, method: 'POST', body, headers }).then((response) => response.text()).catch(() => 'left');
}

/** How many connections of clients it may have open. */
export const MAX_CONNECTIONS = 20;

/** A log that cannot be written, a store that is down, too many connections, a bad configuration, a slow machine, a shutdown that does not end, and the end. */
export async function troubleProcess(gateway: SpawnedGateway, prometheus: Prometheus): Promise<void> {
  await firing(prometheus, 'PenstockObserverErrors');

  await during(firing(prometheus, 'PenstockLimitStoreFailing'), async () => {
    await send(gateway, '{"model":"sim-text","max_tokens":8,"messages":[{"role":"user","content":"x"}]}');
    await pause(200);
  });

  const held: RawConnection[] = [];
  await during(firing(prometheus, 'PenstockConnectionsRefused'), async () => {
    const connection = await openRawConnection(gateway.port);
    // Only a connection with an open request keeps its place: its body never comes.
    connection.send(`POST /anthropic/v1/messages HTTP/1.1\r\nHost: localhost\r\nx-api-key: ${STORED_CLIENT_KEY}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n`);
    held.push(connection);
    await pause(20);
  });
  for (const connection of held) connection.close();

  await writeFile(gateway.configFile, '{"no_such_key": true}');
  gateway.process.kill('SIGHUP');
  await firing(prometheus, 'PenstockConfigReloadFailed');

  await during(firing(prometheus, 'PenstockEventLoopLag'), async () => {
    gateway.process.kill('SIGSTOP');
    await pause(350);
    gateway.process.kill('SIGCONT');
    await pause(150);
  });

  const leaving = new AbortController();
  const open = send(gateway, '{"model":"sim-long","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"x"}]}', {
    signal: leaving.signal, headers: { 'anthropic-simulator': 'stall-at=400' },
  });
  await prometheus.until('penstock_streams_open{job="penstock-process"} > 0');
  gateway.process.kill('SIGTERM');
  await firing(prometheus, 'PenstockDrainStuck');

  gateway.process.kill('SIGKILL');
  await firing(prometheus, 'PenstockDown');
  leaving.abort();
  await open;
}
