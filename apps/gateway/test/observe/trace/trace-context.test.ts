import { assert, integer, property, string, stringMatching } from 'fast-check';
import { expect, test } from 'vitest';
import { formatTraceParent, parseTraceParent, readTraceContext, replaceTraceParent } from '../../../src/observe/trace/trace-context.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const SPAN_ID = 'b7ad6b7169203331';
const CONTEXT = { traceId: TRACE_ID, spanId: SPAN_ID, flags: 1 };

test('reads a traceparent of version 00, and the first four parts of a later one', () => {
  expect(parseTraceParent(`00-${TRACE_ID}-${SPAN_ID}-01`)).toEqual(CONTEXT);
  expect(parseTraceParent(`cc-${TRACE_ID}-${SPAN_ID}-01`)).toEqual(CONTEXT);
  expect(parseTraceParent(`cc-${TRACE_ID}-${SPAN_ID}-01-what-the-future-will-be`)).toEqual(CONTEXT);
});

test.each([
  `ff-${TRACE_ID}-${SPAN_ID}-01`, `00-${TRACE_ID}-${SPAN_ID}-01-more`, `cc-${TRACE_ID}-${SPAN_ID}-01.more`, `00-${'0'.repeat(32)}-${SPAN_ID}-01`, `00-${TRACE_ID}-${'0'.repeat(16)}-01`,
  `00-${TRACE_ID.toUpperCase()}-${SPAN_ID}-01`, `00-${TRACE_ID}-${SPAN_ID}`, `00-${TRACE_ID}-${SPAN_ID}-1`, '', 'x',
])('refuses %s', (value) => {
  expect(parseTraceParent(value)).toBeUndefined();
});

test('trace context: every written traceparent parses to the same ids', () => {
  const traceIds = stringMatching(/^[0-9a-f]{31}[1-9a-f]$/);
  const spanIds = stringMatching(/^[1-9a-f][0-9a-f]{15}$/);
  assert(property(traceIds, spanIds, integer({ min: 0, max: 255 }), (traceId, spanId, flags) => {
    expect(parseTraceParent(formatTraceParent({ traceId, spanId, flags }))).toEqual({ traceId, spanId, flags });
  }));
});

test('any text is either read or refused', () => {
  assert(property(string(), (text) => { parseTraceParent(text); }));
});

test('two traceparents are none, and the state of a trace that cannot be read is not read either', () => {
  expect(readTraceContext(['Traceparent', `00-${TRACE_ID}-${SPAN_ID}-01`, 'TraceState', 'a=1', 'tracestate', 'b=2'])).toEqual({ parent: CONTEXT, traceState: 'a=1,b=2' });
  expect(readTraceContext(['traceparent', `00-${TRACE_ID}-${SPAN_ID}-01`, 'traceparent', `00-${TRACE_ID}-${SPAN_ID}-01`])).toEqual({ parent: undefined, traceState: undefined });
  expect(readTraceContext(['tracestate', 'a=1'])).toEqual({ parent: undefined, traceState: undefined });
});

test('replaces the context in place and leaves every other field where it is', () => {
  const headers = ['Accept', '*/*', 'TraceParent', 'old', 'TraceState', 'a=1', 'x-app', 'cli'];
  replaceTraceParent(headers, CONTEXT, true);
  expect(headers).toEqual(['Accept', '*/*', 'TraceState', 'a=1', 'x-app', 'cli', 'traceparent', `00-${TRACE_ID}-${SPAN_ID}-01`]);
  replaceTraceParent(headers, CONTEXT, false);
  expect(headers).toEqual(['Accept', '*/*', 'x-app', 'cli', 'traceparent', `00-${TRACE_ID}-${SPAN_ID}-01`]);
});
