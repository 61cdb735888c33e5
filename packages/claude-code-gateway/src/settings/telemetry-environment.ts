import type { TelemetrySignal } from '../telemetry/telemetry-relay.ts';
import type { SettingsDocument } from './managed-settings.ts';

const EXPORTERS: Readonly<Record<TelemetrySignal, string>> = { metrics: 'OTEL_METRICS_EXPORTER', logs: 'OTEL_LOGS_EXPORTER', traces: 'OTEL_TRACES_EXPORTER' };

/** What the client is told about telemetry. */
export interface TelemetrySettings {
  readonly base: string;
  /** The signals that a collector takes. */
  readonly signals: ReadonlySet<TelemetrySignal>;
  readonly resourceAttributes: Readonly<Record<string, string>>;
}

/**
 * The settings of a caller with the variables that send its telemetry to this gateway. A variable that the policy sets itself stays: a team may
 * name a collector of its own. Unchanged where no collector is configured.
 */
export function withTelemetry(settings: SettingsDocument | undefined, { base, signals, resourceAttributes }: TelemetrySettings): SettingsDocument | undefined {
  if (signals.size === 0) return settings;
  const attributes = Object.entries(resourceAttributes).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join(',');
  const own = settings?.['env'];
  return {
    ...settings,
    env: {
      CLAUDE_CODE_ENABLE_TELEMETRY: '1',
      ...Object.fromEntries(Object.entries(EXPORTERS).map(([signal, variable]) => [variable, signals.has(signal as TelemetrySignal) ? 'otlp' : 'none'])),
      OTEL_EXPORTER_OTLP_ENDPOINT: base,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      ...(attributes === '' ? {} : { OTEL_RESOURCE_ATTRIBUTES: attributes }),
      ...(typeof own === 'object' && own !== null ? own : {}),
    },
  };
}
