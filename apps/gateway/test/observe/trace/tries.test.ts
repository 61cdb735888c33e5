import { expect, test } from 'vitest';
import { readTracingSettings } from '../../../src/observe/trace/read-tracing-settings.ts';
import { startTestGateway } from '../../start-test-gateway.ts';
import { ask, entriesFor, jsonAnswer, OVERLOADED, startAnswering } from '../../native/two-upstreams.ts';
import { startCollector } from './start-collector.ts';

const CLIENT = 3;

test('several upstreams: a trace has a span for each try, with the origin and the status of each, and each try has a context of its own', async () => {
  const collector = await startCollector();
  try {
    await using first = await startAnswering(OVERLOADED);
    await using second = await startAnswering();
    const { settings } = readTracingSettings({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_BSP_SCHEDULE_DELAY: '20', OTEL_EXPORTER_OTLP_ENDPOINT: collector.origin });
    await using gateway = await startTestGateway('http://127.0.0.1:1', { anthropic_native: { upstreams: entriesFor([first.origin, second.origin]) } }, { tracing: settings });
    expect((await ask(gateway)).status).toBe(200);
    const spans = (await collector.received(3)).filter(({ kind }) => kind === CLIENT);
    expect(spans.map(({ attributes }) => [attributes['server.port'], attributes['http.response.status_code']])).toEqual([
      [first.port, 529], [second.port, 200],
    ]);
    const contexts = [first, second].map(({ requests }) => requests[0]?.rawHeaders.findLast((_, index, fields) => fields[index - 1]?.toLowerCase() === 'traceparent'));
    expect(new Set(contexts).size).toBe(2);
    expect(contexts.every((context) => context?.startsWith('00-') === true)).toBe(true);
  } finally {
    await collector.close();
  }
});

test('several upstreams: each span has the status of its own try where the answer is that of an earlier one', async () => {
  const collector = await startCollector();
  try {
    await using first = await startAnswering(jsonAnswer(429, '{}', ['retry-after', '7']));
    await using second = await startAnswering(OVERLOADED);
    const { settings } = readTracingSettings({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_BSP_SCHEDULE_DELAY: '20', OTEL_EXPORTER_OTLP_ENDPOINT: collector.origin });
    await using gateway = await startTestGateway('http://127.0.0.1:1', { anthropic_native: { upstreams: entriesFor([first.origin, second.origin]) } }, { tracing: settings });
    expect((await ask(gateway)).status).toBe(429);
    const spans = (await collector.received(3)).filter(({ kind }) => kind === CLIENT);
    expect(spans.map(({ attributes }) => [attributes['server.port'], attributes['http.response.status_code'], attributes['error.type']])).toEqual([
      [first.port, 429, '429'], [second.port, 529, '529'],
    ]);
  } finally {
    await collector.close();
  }
});
