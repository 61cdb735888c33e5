import { Buffer } from 'node:buffer';
import { headerOf, type ProtocolAnswer, type ProtocolRequest } from '../protocol-messages.ts';
import { canonicalJson } from '../settings/canonical-json.ts';
import { createTelemetryDestination, type DestinationLimits, type TelemetryDestination, type TelemetryDestinationOptions } from './telemetry-destination.ts';

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
  /** Relays to these from now on. A collector that stays keeps what waits for it, and its pause; what waits for one that is gone is dropped. @throws ClaudeCodeGatewayError `address_refused`, and changes nothing */
  replace(targets: readonly TelemetryTarget[], limits: Partial<DestinationLimits>): void;
  /** Stops; what waits is dropped. */
  close(): Promise<void>;
}

interface Collector {
  /** All that a destination is made from. */
  readonly key: string;
  readonly signals: ReadonlySet<TelemetrySignal>;
  readonly destination: TelemetryDestination;
}

/** Makes the relay. Body, content type and coding go on byte for byte; no other field of the client does. */
export function createTelemetryRelay(onDropped: (reason: string) => void): TelemetryRelay {
  let collectors: readonly Collector[] = [];
  let taken: ReadonlySet<TelemetrySignal> = new Set();
  return {
    get signals() {
      return taken;
    },
    take(signal, request) {
      const contentType = headerOf(request, 'content-type') ?? 'application/x-protobuf';
      const contentEncoding = headerOf(request, 'content-encoding');
      for (const { signals, destination } of collectors) {
        if (signals.has(signal)) destination.send({ signal, contentType, contentEncoding, body: request.body });
      }
      // An empty message is the success of each signal (OTLP specification, "Full Success").
      const isJson = contentType.toLowerCase().startsWith('application/json');
      return { status: 200, headers: ['content-type', isJson ? 'application/json' : 'application/x-protobuf'], body: Buffer.from(isJson ? '{}' : '') };
    },
    replace(targets, limits) {
      const unused = [...collectors];
      const next = targets.map(({ signals = ['metrics'], ...target }): Collector => {
        const key = canonicalJson([target, limits]);
        const kept = unused.findIndex((collector) => collector.key === key);
        const [reused] = kept === -1 ? [] : unused.splice(kept, 1);
        return { key, signals: new Set(signals), destination: reused?.destination ?? createTelemetryDestination(target, limits, onDropped) };
      });
      collectors = next;
      taken = new Set(next.flatMap(({ signals }) => [...signals]));
      for (const { destination } of unused) void destination.close();
    },
    async close() {
      await Promise.all(collectors.map(({ destination }) => destination.close()));
    },
  };
}
