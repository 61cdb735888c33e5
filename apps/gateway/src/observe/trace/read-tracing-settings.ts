import type { Environment } from '../../config/reading/overrides.ts';
import { createVariableReader, type VariableReader } from './variable-reader.ts';

/** The protocols that spans are exported by. */
export const EXPORT_PROTOCOLS = ['http/protobuf', 'http/json'] as const;

/** The samplers of the OpenTelemetry specification. */
export const SAMPLERS = ['always_on', 'always_off', 'traceidratio', 'parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'] as const;

/** Where spans are sent, and how. Its header values are secrets. */
export interface ExporterSettings {
  readonly url: string;
  readonly protocol: (typeof EXPORT_PROTOCOLS)[number];
  readonly headers: Readonly<Record<string, string>>;
  /** How long one export may take, retries included. */
  readonly timeoutMs: number;
  /** A file with certificates of a private authority. */
  readonly caFile: string | undefined;
}

/** The bounds of the queue in front of the exporter. */
export interface SpanQueueSettings {
  readonly maxQueuedSpans: number;
  readonly maxBatchSpans: number;
  readonly delayMs: number;
}

/** Everything that decides about tracing; plain data, so that it can travel to a worker. */
export interface TracingSettings {
  readonly exporter: ExporterSettings;
  readonly queue: SpanQueueSettings;
  readonly sampler: (typeof SAMPLERS)[number];
  /** The part of traces that a ratio sampler takes, 0 to 1. */
  readonly samplerRatio: number;
  readonly resourceAttributes: Readonly<Record<string, string>>;
}

const DEFAULT_ENDPOINT = 'http://localhost:4318';
const DEFAULT_SERVICE_NAME = 'penstock';

/**
 * Reads the standard `OTEL_*` variables. Tracing is on when an endpoint is named, or `OTEL_TRACES_EXPORTER` is `otlp`. A value
 * that cannot be used never stops the gateway: it is left out and named in `warnings`, which quote no value.
 */
export function readTracingSettings(environment: Environment): { readonly settings: TracingSettings | undefined; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const reader = createVariableReader(environment, warnings);
  if (!isSwitchedOn(reader)) return { settings: undefined, warnings };
  const exporter = readExporter(reader);
  if (exporter === undefined) return { settings: undefined, warnings };
  const maxQueuedSpans = reader.integer(['OTEL_BSP_MAX_QUEUE_SIZE'], 2048);
  const settings: TracingSettings = {
    exporter,
    queue: {
      maxQueuedSpans,
      maxBatchSpans: Math.min(maxQueuedSpans, reader.integer(['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'], 512)),
      delayMs: reader.integer(['OTEL_BSP_SCHEDULE_DELAY'], 5000),
    },
    sampler: reader.choice(['OTEL_TRACES_SAMPLER'], SAMPLERS) ?? 'parentbased_always_on',
    samplerRatio: reader.ratio('OTEL_TRACES_SAMPLER_ARG') ?? 1,
    resourceAttributes: readResource(reader),
  };
  return { settings, warnings };
}

function isSwitchedOn(reader: VariableReader): boolean {
  if (reader.text(['OTEL_SDK_DISABLED'])?.toLowerCase() === 'true') return false;
  const exporter = reader.text(['OTEL_TRACES_EXPORTER']);
  if (exporter !== undefined) {
    const names = exporter.split(',').map((name) => name.trim());
    if (names.includes('otlp')) return true;
    if (!names.includes('none')) reader.warn('OTEL_TRACES_EXPORTER must be otlp or none: no traces are exported.');
    return false;
  }
  return reader.text(['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT']) !== undefined;
}

function readExporter(reader: VariableReader): ExporterSettings | undefined {
  const protocolNames = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'];
  // A collector's gRPC port understands nothing else: exporting to it by another protocol would only fail later.
  if (reader.text(protocolNames) === 'grpc') {
    reader.warn('OTEL_EXPORTER_OTLP_PROTOCOL=grpc is not supported: no traces are exported. Use http/protobuf and the collector\'s HTTP port (4318).');
    return undefined;
  }
  const url = readUrl(reader);
  if (url === undefined) return undefined;
  return {
    url,
    protocol: reader.choice(protocolNames, EXPORT_PROTOCOLS) ?? 'http/protobuf',
    headers: { ...reader.pairs('OTEL_EXPORTER_OTLP_HEADERS'), ...reader.pairs('OTEL_EXPORTER_OTLP_TRACES_HEADERS') },
    timeoutMs: reader.integer(['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT'], 10_000),
    caFile: reader.text(['OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE', 'OTEL_EXPORTER_OTLP_CERTIFICATE']),
  };
}

/** The endpoint for traces is used as it stands; the one for all signals gets their path. */
function readUrl(reader: VariableReader): string | undefined {
  const own = reader.text(['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);
  const text = own ?? `${(reader.text(['OTEL_EXPORTER_OTLP_ENDPOINT']) ?? DEFAULT_ENDPOINT).replace(/\/+$/, '')}/v1/traces`;
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return url.href;
  reader.warn(`${own === undefined ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'} must be an http:// or https:// URL: no traces are exported.`);
  return undefined;
}

function readResource(reader: VariableReader): Record<string, string> {
  const attributes = reader.pairs('OTEL_RESOURCE_ATTRIBUTES');
  return { ...attributes, 'service.name': reader.text(['OTEL_SERVICE_NAME']) ?? attributes['service.name'] ?? DEFAULT_SERVICE_NAME };
}
