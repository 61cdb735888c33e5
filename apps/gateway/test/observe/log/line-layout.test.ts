import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { createLineLayout, wordDuration } from '../../../src/observe/log/line-layout.ts';

const REQUEST = {
  request_id: 'pen_abc', upstream_request_id: 'req_1', side: 'native', client: 'alice', route: '/anthropic/v1/messages', method: 'POST', status: 200, outcome: 'ok', fault: 'none',
  duration_ms: 43.2, requested_model: 'claude-haiku', model: 'claude-haiku-4-5', usage: { input: 7, output: 53, cacheRead: 3, cacheWrite5m: 0, cacheWrite1h: 0 },
};

/** The line that pino and the layout make of an entry, without its time. */
function lineOf(fields: object, message: string, { level = 'info', isDetailed = false, hasColours = false }: { level?: 'info' | 'warn' | 'error'; isDetailed?: boolean; hasColours?: boolean } = {}): string {
  const layout = createLineLayout({ hasColours, isDetailed: () => isDetailed });
  let line = '';
  pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } }, { write: (json) => { line = layout(json); } })[level](fields, message);
  return line.replace(/\d\d:\d\d:\d\d/, 'TIME');
}

describe('the line layout', () => {
  test('a request that went well is one short line', () => {
    expect(lineOf(REQUEST, 'request')).toBe('TIME 200 alice messages claude-haiku-4-5 10→53 tok 43 ms pen_abc\n');
  });

  test('a request that failed has its cause, and the model it asked for', () => {
    const { model: _model, usage: _usage, ...rest } = REQUEST;
    const failed = { ...rest, status: 502, outcome: 'upstream_unreachable', fault: 'network', cause: 'upstream_unreachable', failure: 'unreachable: ECONNREFUSED' };
    expect(lineOf(failed, 'request', { level: 'warn' })).toBe('TIME WARN 502 alice messages claude-haiku 43 ms pen_abc outcome=upstream_unreachable fault=network cause=upstream_unreachable failure="unreachable: ECONNREFUSED" requested_model=claude-haiku upstream_request_id=req_1\n');
  });

  test('at level debug a request has every field', () => {
    expect(lineOf({ ...REQUEST, cost_dollars: 0.000_275 }, 'request')).toBe('TIME 200 alice messages claude-haiku-4-5 10→53 tok $0.0003 43 ms pen_abc\n');
    expect(lineOf({ ...REQUEST, cost_dollars: 1.5, cost_estimated: true }, 'request')).toContain(' tok ~$1.50 43 ms ');
    expect(lineOf(REQUEST, 'request', { isDetailed: true })).toBe('TIME 200 alice messages claude-haiku-4-5 10→53 tok 43 ms pen_abc upstream_request_id=req_1 side=native method=POST outcome=ok fault=none requested_model=claude-haiku\n');
  });

  test('a drain that waits is a sentence', () => {
    expect(lineOf({ open: 1, clients: { alice: 1 }, oldest_seconds: 12, seconds_left: 588 }, 'waiting for open responses')).toBe('TIME waiting for 1 response (alice 1; the oldest 12 s), at most 588 s; Ctrl-C again ends at once\n');
    expect(lineOf({ open: 3, clients: { alice: 2, bob: 1 }, oldest_seconds: 252, seconds_left: 0 }, 'waiting for open responses')).toBe('TIME waiting for 3 responses (alice 2, bob 1; the oldest 4 min 12 s), at most 0 s; Ctrl-C again ends at once\n');
  });

  test('any other entry is its message and its fields', () => {
    expect(lineOf({ applied: ['clients'], reason: 'two words' }, 'configuration reloaded', { level: 'error' })).toBe('TIME ERROR configuration reloaded applied=["clients"] reason="two words"\n');
  });

  test('only warnings and failures have a colour', () => {
    expect(lineOf(REQUEST, 'request', { hasColours: true })).not.toContain('\u001b');
    expect(lineOf({}, 'x', { hasColours: true, level: 'warn' })).toBe('\u001b[33mTIME WARN x\u001b[39m\n');
  });

  test('a hostile value stays on its line and steers no terminal', () => {
    const line = lineOf({ ...REQUEST, client: 'a\n\u001b[31mRED', outcome: 'internal', failure: '\u009b2J\r\n' }, 'evil\nmessage');
    expect(line.slice(0, -1)).not.toMatch(/\p{Cc}/u);
    expect(line.endsWith('\n')).toBe(true);
  });

  test.each([[0.4, '0 ms'], [999, '999 ms'], [1_250, '1.2 s'], [12_900, '12 s'], [59_999, '59 s'], [252_000, '4 min 12 s']])('%d ms are formatted as %s', (milliseconds, expected) => {
    expect(wordDuration(milliseconds)).toBe(expected);
  });
});
