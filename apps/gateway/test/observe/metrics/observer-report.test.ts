import { startScriptedUpstream } from '@penstock/test-support';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createObserverReport } from '../../../src/observe/log/create-observer-report.ts';
import { runPenstock } from '../../run-penstock.ts';
import { startTestGateway } from '../../start-test-gateway.ts';
import { createTestMetrics, STREAMED_MESSAGE } from './request-records.ts';
import { sumOf } from './exposition.ts';

afterEach(() => {
  vi.useRealTimers();
});

describe('an observer that fails', () => {
  it('is in the log with its code and stack, not with its words, once a minute for each observer (what fails for one request fails for all)', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const lines: Record<string, unknown>[] = [];
    const report = createObserverReport(pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) }));
    const error = Object.assign(new Error('words of the upstream'), { code: 'invalid_json' });
    for (let round = 0; round < 3; round += 1) report('usage', error);
    report('relay', error);
    expect(lines.map(({ msg, observer }) => [msg, observer])).toEqual([['an observer failed', 'usage'], ['an observer failed', 'relay']]);
    expect(lines[0]?.['error']).toMatchObject({ code: 'invalid_json', stack: expect.any(Array) as unknown });
    expect(JSON.stringify(lines)).not.toContain('words of the upstream');
    vi.advanceTimersByTime(60_000);
    report('usage', error);
    expect(lines).toHaveLength(3);
  });

  it('a failing observer: is counted, reported, and fails no request, even when the report fails as well', async () => {
    const onObserverError = vi.fn(() => { throw new Error('the report is an observer, too'); });
    const metrics = createTestMetrics({ onObserverError });
    metrics.recordRequest({ ...STREAMED_MESSAGE, requestBytes: Number.NaN });
    metrics.observerError('relay', new Error('x'));
    expect(onObserverError.mock.calls.map(([observer]: readonly unknown[]) => observer)).toEqual(['metrics', 'relay']);
    expect(sumOf(await metrics.registry.metrics(), 'penstock_observer_errors_total')).toBe(2);
  });

  it('is named where the runbook says: usage that is no JSON in the log, the bytes untouched', async () => {
    const body = 'event: message_start\ndata: {broken\n\n';
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      await connection.closed();
    });
    await using gateway = await startTestGateway(upstream.origin);
    const response = await fetch(`${gateway.anthropic}/v1/messages`, {
      method: 'POST', body: '{"model":"m","max_tokens":1,"stream":true,"messages":[]}', headers: { 'content-type': 'application/json' },
    });
    expect(await response.text()).toBe(body);
    await gateway.recorded(1);
    expect(gateway.logged.filter(({ msg }) => msg === 'an observer failed')).toEqual([expect.objectContaining({ observer: 'usage', error: expect.objectContaining({ code: 'invalid_json' }) as unknown })]);
    expect(await gateway.series('penstock_observer_errors_total')).toBe(1);
  });

  it('a log that cannot be written: is reported on standard error, and requests are served', async () => {
    await using penstock = await runPenstock({ document: { log: { destination: '/dev/full' } } });
    await expect.poll(() => penstock.stderr()).toContain('penstock: the log cannot be written (ENOSPC)');
    expect((await fetch(`${penstock.origin}/anthropic/v1/models`)).status).toBe(200);
  });
});
