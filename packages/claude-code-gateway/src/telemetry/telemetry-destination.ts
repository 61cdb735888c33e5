import { performance } from 'node:perf_hooks';
import type { Buffer } from 'node:buffer';
import { createGuardedFetch } from '../provider/guarded-fetch.ts';
import { checkOutboundUrl, type ResolveName } from '../provider/refused-addresses.ts';

/** One collector. */
export interface TelemetryDestinationOptions {
  /** The base URL; `/v1/metrics` and the like are appended. `https:`, or `http:` to this machine. */
  readonly url: string;
  /** Sent with every batch, such as the collector's own key. @defaultValue none */
  readonly headers?: Readonly<Record<string, string>>;
  /** A private authority in PEM, trusted beside the public ones. */
  readonly ca?: string;
  /** An egress proxy to the collector; it resolves the collector's name. @defaultValue none */
  readonly proxy?: string;
}

/** The bounds of one collector. */
export interface DestinationLimits {
  /** Batches that are on their way or wait. @defaultValue 256 */
  readonly maxWaiting: number;
  /** Their bytes. @defaultValue 16 MiB */
  readonly maxWaitingBytes: number;
  /** @defaultValue 4 */
  readonly maxConcurrent: number;
  /** Of one batch. Milliseconds. @defaultValue 10,000 */
  readonly timeoutMs: number;
  /** Failures in a row before a pause. @defaultValue 5 */
  readonly failuresBeforePause: number;
  /** How long nothing is sent then. Milliseconds. @defaultValue 30,000 */
  readonly pauseMs: number;
}

/** The bounds that hold unless others are given. */
export const DEFAULT_DESTINATION_LIMITS: DestinationLimits = Object.freeze({ maxWaiting: 256, maxWaitingBytes: 16 * 1024 * 1024, maxConcurrent: 4, timeoutMs: 10_000, failuresBeforePause: 5, pauseMs: 30_000 });

/** One batch as the client sent it. */
export interface TelemetryBatch {
  readonly signal: string;
  readonly contentType: string;
  readonly contentEncoding: string | undefined;
  readonly body: Buffer;
}

/** Sends batches to one collector, in the order in which they came. */
export interface TelemetryDestination {
  /** Takes a batch, or drops it: telemetry never waits for room. */
  send(batch: TelemetryBatch): void;
  /** Stops; each batch that waits or is on its way is dropped, and reported. */
  close(): Promise<void>;
}

/** Statuses that are about the batch and not about the collector. */
const BATCH_FAULTS = [400, 413, 415, 422, 431];

/** Makes a destination. @throws ClaudeCodeGatewayError `address_refused` */
export function createTelemetryDestination({ url, headers = {}, ca, proxy }: TelemetryDestinationOptions, given: Partial<DestinationLimits>, onDropped: (reason: string) => void, resolveName?: ResolveName): TelemetryDestination {
  const limits = { ...DEFAULT_DESTINATION_LIMITS, ...given };
  checkOutboundUrl(new URL(url), true);
  const base = url.replace(/\/+$/, '');
  const post = createGuardedFetch({ allowsLoopback: true, timeoutMs: limits.timeoutMs, ...(ca === undefined ? {} : { ca }), ...(proxy === undefined ? {} : { proxy }) }, resolveName);
  const waiting: TelemetryBatch[] = [];
  let [heldBytes, held, running, failures, pausedUntil] = [0, 0, 0, 0, 0];

  const sendNext = async (batch: TelemetryBatch): Promise<void> => {
    const fields = { ...headers, 'content-type': batch.contentType, ...(batch.contentEncoding === undefined ? {} : { 'content-encoding': batch.contentEncoding }) };
    const status = await post(`${base}/v1/${batch.signal}`, { method: 'POST', headers: fields, body: batch.body }).then((answer) => answer.status, () => undefined);
    if (status !== undefined && status < 300) {
      failures = 0;
      return;
    }
    onDropped(status === undefined ? 'unreachable' : `status_${status}`);
    if (status !== undefined && BATCH_FAULTS.includes(status)) return;
    failures += 1;
    if (failures >= limits.failuresBeforePause) {
      failures = 0;
      pausedUntil = performance.now() + limits.pauseMs;
    }
  };
  const start = (): void => {
    while (running < limits.maxConcurrent) {
      const batch = waiting.shift();
      if (batch === undefined) return;
      running += 1;
      void sendNext(batch).finally(() => {
        running -= 1;
        held -= 1;
        heldBytes -= batch.body.length;
        start();
      });
    }
  };
  return {
    send(batch) {
      if (performance.now() < pausedUntil) {
        onDropped('paused');
        return;
      }
      if (held >= limits.maxWaiting || heldBytes + batch.body.length > limits.maxWaitingBytes) {
        onDropped('queue_full');
        return;
      }
      held += 1;
      heldBytes += batch.body.length;
      waiting.push(batch);
      start();
    },
    async close() {
      for (const batch of waiting.splice(0)) {
        held -= 1;
        heldBytes -= batch.body.length;
        onDropped('closed');
      }
      await post.close();
    },
  };
}
