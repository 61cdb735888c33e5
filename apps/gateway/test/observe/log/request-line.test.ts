import { assert, double, integer, property } from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { printableJson } from '../../../src/observe/log/printable.ts';
import { createRequestLine, type RequestFields } from '../../../src/observe/log/request-line.ts';

const WHOLE: RequestFields = {
  request_id: 'pen_abc-_1', upstream_request_id: 'req_011', side: 'native', client: 'alice', person: 'idp:alice', email: 'alice@example.com', groups: ['a', 'b'], route: '/anthropic/v1/messages', method: 'POST', status: 200,
  outcome: 'ok', fault: 'none', cause: 'upstream_reset', duration_ms: 12.345, first_byte_ms: 1, overhead_ms: 0, slot_wait_ms: 0.001, connect_ms: 3, upstream_head_ms: 2.5, largest_gap_ms: 100,
  request_bytes: 1024, response_bytes: 2048, trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16), requested_model: 'claude-haiku', model: 'claude-haiku-4-5',
  usage: { input: 1, output: 2, cacheRead: 3, cacheWrite5m: 4, cacheWrite1h: 5 }, usage_source: 'final', cost_dollars: 0.000_003_4, cost_estimated: true, batch: { id: 'msgbatch_1', results: 4, results_dollars: 0.001 }, failure: [{ name: 'UpstreamError', code: 'reset' }], missing_backends: ['local', 'audio'], upstream: 'second', failovers: ['first:status_529'],
  session_id: 's-1', agent_id: 'a-1', parent_agent_id: 'p-1', traceparent: '00-1-2-01',
};
const NOTHING = Object.fromEntries(Object.keys(WHOLE).map((name) => [name, undefined]));
const BARE = { ...NOTHING, request_id: 'pen_1', side: 'native', client: 'anonymous', route: '/anthropic/*', method: 'GET', status: 499, outcome: 'client_gone', fault: 'client', request_bytes: 0, response_bytes: 0 } as unknown as RequestFields;
const HOSTILE: RequestFields = {
  ...WHOLE, requested_model: 'x\u001b"', client: 'a"b\\c\u0000\n', person: 'p"}\n', email: '\u202e@x', groups: ['g"],\n', ''], model: 'm"}\n{"level":"fatal"', upstream_request_id: 'é\u2028\u009b31m\u202e"', duration_ms: Number.NaN, overhead_ms: Number.POSITIVE_INFINITY,
  failure: { text: '"\n' }, route: '/"/\n',
};

/** What pino writes for the same fields. */
function pinoLine(fields: RequestFields): string {
  let written = '';
  const logger = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } }, { write: (line) => { written = line; } });
  logger.info(fields, 'request');
  return written;
}

const withoutTime = (line: string): string => line.replace(/"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/, '"time":"T"');

describe('a line of the access log', () => {
  it.each([['everything', WHOLE], ['nothing that may be absent', BARE], ['values that would break out of a string', HOSTILE]])('is what pino writes, to the letter but for what could steer a terminal, with %s', (_, fields) => {
    expect(withoutTime(createRequestLine()(fields))).toBe(withoutTime(printableJson(pinoLine(fields))));
    expect(JSON.parse(createRequestLine()(fields))).toEqual({ ...JSON.parse(pinoLine(fields)) as object, time: expect.any(String) as string });
  });

  it('request line: is the same whatever lines were written before, for every field that differs from them', () => {
    const line = createRequestLine();
    const variants = Object.keys(WHOLE).flatMap((name) => [WHOLE, { ...WHOLE, [name]: (HOSTILE as unknown as Record<string, unknown>)[name] }, { ...WHOLE, [name]: (BARE as unknown as Record<string, unknown>)[name] }, BARE] as RequestFields[]);
    const others = ['side', 'outcome', 'fault', 'method', 'client', 'cause', 'person', 'email', 'requested_model', 'model'].map((name) => ({ ...WHOLE, [name]: 'other' }));
    for (const fields of [...variants, ...others, { ...WHOLE, status: 201 }, { ...WHOLE, groups: ['other'] }, WHOLE]) expect(withoutTime(line(fields))).toBe(withoutTime(createRequestLine()(fields)));
  });

  it('words any duration as JSON does', () => {
    const line = createRequestLine();
    const written = (value: number): unknown => /"duration_ms":([^,]*),/.exec(line({ ...WHOLE, duration_ms: value }))?.[1];
    const check = (value: number): void => { expect(written(value)).toBe(JSON.stringify(value)); };
    for (const value of [0, -0, 0.001, 0.01, 0.1, 0.999, 1, 1.5, 10, 999.999, 1_000, 86_400_000.001, 2 ** 30, 2 ** 30 - 0.001, 2 ** 53, 1e21, -1.5, 0.0001, 1 / 3, Number.MIN_VALUE]) check(value);
    assert(property(integer({ min: 0, max: 2 ** 40 }), (micros) => check(Math.round(micros) / 1_000)), { numRuns: 2_000 });
    assert(property(double({ noNaN: true, noDefaultInfinity: true }), check), { numRuns: 2_000 });
  });

  it.each(['2026-11-28T23:59:59.999Z', '2026-11-29T00:00:00.000Z', '2026-11-29T00:00:00.007Z', '2025-01-01T10:00:00.070Z'].map((_, index, times) => [times.slice(0, index + 1)]))(
    'request line: has the time of its moment, whatever times were written before: %j', (times) => {
      vi.useFakeTimers();
      try {
        const line = createRequestLine();
        for (const time of times) {
          vi.setSystemTime(time);
          expect(JSON.parse(line(WHOLE))).toMatchObject({ time });
        }
      } finally {
        vi.useRealTimers();
      }
    },
  );
});
