import { Buffer } from 'node:buffer';
import { headerOf, type ProtocolAnswer, type ProtocolRequest } from '../protocol-messages.ts';
import { createTelemetryDestination, type DestinationLimits, type TelemetryDestinationOptions } from './telemetry-destination.ts';

/** The signals of OTLP over HTTP. */
export const TELEMETRY_SIGNALS = ['metrics', 'logs', 'traces'] as const;

/** One of `TELEMETRY_SIGNALS`. */
export type TelemetrySignal = (typeof TELEMETRY_SIGNALS)[number];

/** A collector, and the signals that it takes. */
export interface TelemetryTarget extends TelemetryDestinationOptions {
  /** @defaultValue metrics alone: logs and traces can hold prompts */
  readonly signals?: readonly TelemetrySignal[];
}

/** Relays the telemetry of clients to collectors. */
export interface TelemetryRelay {
  /** The signals that any collector takes. */
  readonly signals: ReadonlySet<TelemetrySignal>;
  /** Answers at once; what a collector does to it changes nothing for the client. */
  take(signal: TelemetrySignal, request: ProtocolRequest): ProtocolAnswer;
  /** Stops; what waits is dropped. */
  close(): Promise<void>;
}

/** Makes the relay. Body, content type and coding go on byte for byte; no other field of the client does. */
export function createTelemetryRelay(targets: readonly TelemetryTarget[], limits: Partial<DestinationLimits>, onDropped: (reason: string) => void): TelemetryRelay {
  const destinations = targets.map((target) => ({ signals: new Set(target.signals ?? ['metrics'] as const), destination: createTelemetryDestination(target, limits, onDropped) }));
  return {
    signals: new Set(destinations.flatMap(({ signals }) => [...signals])),
    take(signal, request) {
      const contentType = headerOf(request, 'content-type') ?? 'application/x-protobuf';
      const contentEncoding = headerOf(request, 'content-encoding');
      for (const { signals, destination } of destinations) {
        if (signals.has(signal)) destination.send({ signal, contentType, contentEncoding, body: request.body });
      }
      // An empty message is the success of each signal (OTLP specification, "Full Success").
      const isJson = contentType.toLowerCase().startsWith('application/json');
      return { status: 200, headers: ['content-type', isJson ? 'application/json' : 'application/x-protobuf'], body: Buffer.from(isJson ? '{}' : '') };
    },
    async close() {
      await Promise.all(destinations.map(({ destination }) => destination.close()));
    },
  };
}
