import { readFileSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { ExporterSettings } from './read-tracing-settings.ts';

/** An OTLP exporter with the connections that are its alone. */
export interface Exporter {
  readonly spans: SpanExporter;
  /** Closes its connections, whatever is under way on them. */
  destroy(): void;
}

const MAX_SOCKETS = 2;

/** Makes the exporter of the configured protocol; only that one is loaded. */
export async function createExporter(settings: ExporterSettings): Promise<Exporter> {
  const agentOptions = { keepAlive: true, maxSockets: MAX_SOCKETS };
  const agent = settings.url.startsWith('https:')
    // Explicit, because NODE_TLS_REJECT_UNAUTHORIZED may have switched verification off.
    ? new HttpsAgent({ ...agentOptions, rejectUnauthorized: true, ...(settings.caFile === undefined ? {} : { ca: readFileSync(settings.caFile) }) })
    : new HttpAgent(agentOptions);
  const { OTLPTraceExporter } = settings.protocol === 'http/json'
    ? await import('@opentelemetry/exporter-trace-otlp-http')
    : await import('@opentelemetry/exporter-trace-otlp-proto');
  const spans = new OTLPTraceExporter({
    url: settings.url, headers: { ...settings.headers }, timeoutMillis: settings.timeoutMs, httpAgentOptions: () => agent,
  });
  return { spans, destroy: () => agent.destroy() };
}
