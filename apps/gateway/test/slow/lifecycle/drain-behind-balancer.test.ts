// A rolling restart as an operator does it: two gateways behind a real HAProxy with health checks on /readyz, one of which gets SIGTERM with an open stream.
import { startScriptedUpstream, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import type { Status } from '../../../src/observe/status/status.ts';
import { openStream } from '../../process/open-streams.ts';
import { runPenstock, type PenstockProcess } from '../../run-penstock.ts';
import { HAS_HAPROXY, startBalancer } from './start-balancer.ts';

if (!HAS_HAPROXY) process.stdout.write('SKIPPED: a drain behind HAProxy: there is no haproxy\n');

/** Requests after the gateway that leaves refuses all that is new. */
const LATER_REQUESTS = 40;
/** More than the balancer needs to act on readiness, on a loaded machine as well. */
const PRE_STOP_SECONDS = 8;
const STREAM_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const event = (name: string): string => {
  const text = `event: ${name}\ndata: {"type":"${name}"}\n\n`;
  return `${text.length.toString(16)}\r\n${text}\r\n`;
};

/** Answers lists of models at once, and holds streams until `finished`. */
function startApi(finished: Promise<void>): Promise<ScriptedUpstream> {
  return startScriptedUpstream(async (connection) => {
    for (;;) {
      const request = await connection.nextRequest(600_000);
      if (!request.complete) return;
      if (request.startLine.startsWith('GET ')) {
        connection.send(wholeResponse(200, ['content-type', 'application/json'], '{"data":[]}'));
        continue;
      }
      connection.send(STREAM_HEAD + event('message_start'));
      await finished;
      connection.send(`${event('message_stop')}0\r\n\r\n`);
    }
  });
}

function startGateway(upstream: ScriptedUpstream): Promise<PenstockProcess> {
  return runPenstock({
    document: {
      server: { pre_stop_delay: PRE_STOP_SECONDS, drain_timeout: 600, trusted_proxies: ['127.0.0.1'] }, anthropic_native: { base_url: upstream.origin },
    },
    flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' },
  });
}

const readStatus = async (gateway: PenstockProcess): Promise<Status> => await (await fetch(`${gateway.operations}/status.json`)).json() as Status;

describe.skipIf(!HAS_HAPROXY)('two gateways behind HAProxy', () => {
  test('one gets SIGTERM with an open stream: no new request fails, the stream ends whole, and its status names the drain', async () => {
    const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
    await using upstream = await startApi(finished);
    await using first = await startGateway(upstream);
    await using second = await startGateway(upstream);
    await using balancer = await startBalancer([first, second]);
    const statuses: number[] = [];
    const ask = async (): Promise<void> => {
      const response = await fetch(`${balancer.origin}/anthropic/v1/models`);
      await response.arrayBuffer();
      statuses.push(response.status);
    };
    for (let count = 0; count < 10; count += 1) await ask();
    const stream = await openStream(balancer.port);
    await expect.poll(async () => (await readStatus(first)).open.total + (await readStatus(second)).open.total).toBe(1);
    const [leaving, staying] = (await readStatus(first)).open.total === 1 ? [first, second] : [second, first];

    // Requests come without a pause, whatever the balancer knows.
    const stopping = new AbortController();
    const load = (async (): Promise<void> => { while (!stopping.signal.aborted) await ask(); })();
    try {
      leaving.child.kill('SIGTERM');
      await expect.poll(async () => (await readStatus(leaving)).verdict, { timeout: 60_000 })
        .toMatchObject({ cause: 'draining', party: 'gateway', text: expect.stringMatching(/^Shutting down: 1 response is open/) as string });
      expect((await fetch(`${leaving.operations}/readyz`)).status).toBe(503);
      await expect.poll(async () => (await readStatus(leaving)).gateway.state, { timeout: 60_000 }).toBe('refusing');
      const before = statuses.length;
      await expect.poll(() => statuses.length, { timeout: 60_000 }).toBeGreaterThan(before + LATER_REQUESTS);
    } finally {
      stopping.abort();
      await load;
    }
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    expect(await readStatus(leaving)).toMatchObject({ verdict: { cause: 'draining', party: 'gateway' }, drain: { open: 1 } });
    expect((await readStatus(staying)).verdict).toMatchObject({ cause: 'all_well', party: null });

    finish();
    const answer = await stream.readMessage({ kind: 'response' }, 60_000);
    expect([answer.startLine, answer.complete, answer.body.toString().match(/^event: .*$/gm)]).toEqual(['HTTP/1.1 200 OK', true, ['event: message_start', 'event: message_stop']]);
    expect(await leaving.exited).toBe(0);
    await ask();
    expect(statuses.at(-1)).toBe(200);
    stream.close();
  });
});
