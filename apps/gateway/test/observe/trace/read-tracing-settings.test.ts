import { describe, expect, test } from 'vitest';
import { readTracingSettings } from '../../../src/observe/trace/read-tracing-settings.ts';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

test.each([
  ['nothing is set', {}],
  ['the SDK is disabled', { ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' }],
  ['the exporter is none', { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }],
  ['the endpoint is empty (Compose passes empty variables)', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }],
  ['only other signals have an endpoint', { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://collector:4318' }],
])('tracing is off, without a word, when %s', (_name, environment) => {
  expect(readTracingSettings(environment)).toEqual({ settings: undefined, warnings: [] });
});

test('an endpoint switches tracing on, with the defaults of the specification', () => {
  expect(readTracingSettings(ENDPOINT)).toEqual({
    settings: {
      exporter: { url: 'http://collector:4318/v1/traces', protocol: 'http/protobuf', headers: {}, timeoutMs: 10_000, caFile: undefined },
      queue: { maxQueuedSpans: 2048, maxBatchSpans: 512, delayMs: 5000 },
      sampler: 'parentbased_always_on', samplerRatio: 1, resourceAttributes: { 'service.name': 'penstock' },
    },
    warnings: [],
  });
  expect(readTracingSettings({ OTEL_TRACES_EXPORTER: 'otlp' }).settings?.exporter.url).toBe('http://localhost:4318/v1/traces');
});

test('variables for traces win over those for all signals, and their endpoint is used as it stands', () => {
  const { settings } = readTracingSettings({
    ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces.example/otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=2', OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'b=3', OTEL_EXPORTER_OTLP_TIMEOUT: '1', OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '2',
  });
  expect(settings?.exporter).toMatchObject({ url: 'https://traces.example/otlp', protocol: 'http/json', headers: { a: '1', b: '3' }, timeoutMs: 2 });
});

test('pairs are percent-decoded, and may hold equals signs', () => {
  const { settings } = readTracingSettings({ ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: ' authorization = Basic%20YTpi=, ,x=%2C', OTEL_RESOURCE_ATTRIBUTES: 'service.name=ours,team=edge%20gateway' });
  expect(settings?.exporter.headers).toEqual({ authorization: 'Basic YTpi=', x: ',' });
  expect(settings?.resourceAttributes).toEqual({ 'service.name': 'ours', team: 'edge gateway' });
  expect(readTracingSettings({ ...ENDPOINT, OTEL_RESOURCE_ATTRIBUTES: 'service.name=ours', OTEL_SERVICE_NAME: 'mine' }).settings?.resourceAttributes).toEqual({ 'service.name': 'mine' });
});

test('samplers and their ratio are read', () => {
  expect(readTracingSettings({ ...ENDPOINT, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' }).settings).toMatchObject({ sampler: 'traceidratio', samplerRatio: 0.25 });
});

describe('a value that cannot be used never stops the gateway, and is named without being quoted (it may be a secret)', () => {
  test.each([
    ['OTEL_EXPORTER_OTLP_HEADERS', 'secret-without-a-key', true],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'x=secret%0D%0Ay: 1', true],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'x=secret%ZZ', true],
    ['OTEL_EXPORTER_OTLP_TIMEOUT', 'secret', true],
    ['OTEL_BSP_MAX_QUEUE_SIZE', '0', true],
    ['OTEL_TRACES_SAMPLER', 'secret', true],
    ['OTEL_TRACES_SAMPLER_ARG', '2', true],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'secret', true],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', false],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'secret', false],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'ftp://secret', false],
    ['OTEL_TRACES_EXPORTER', 'secret', false],
  ])('%s=%s', (name, value, isOn) => {
    const { settings, warnings } = readTracingSettings({ ...ENDPOINT, [name]: value });
    expect(settings !== undefined).toBe(isOn);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(name);
    expect(warnings[0]).not.toContain('secret');
  });
});
