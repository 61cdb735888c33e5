import { readContentCoding } from '../observer/decoded-copy.ts';
import { createEventObserver, DEFAULT_EVENT_OBSERVER_LIMITS, type EventObserver, type EventObserverLimits } from '../observer/create-event-observer.ts';
import { ObserverError } from '../observer/observer-error.ts';
import type { BodyObserver } from '../relay/relay-options.ts';
import { createJsonBody, type BodyReading } from './json-body.ts';
import { createMessageReading, READ_EVENTS, type MessageReading } from './message-reading.ts';
import type { UsageResult } from './usage-result.ts';

/** Settings of a usage observer; the limits are those of an event observer. */
export interface UsageObserverOptions extends Partial<EventObserverLimits> {
  /** Told once, when the body ended and all of it that can be read was read. */
  readonly onUsage?: (result: UsageResult) => void;
  /** Told of what could not be read; the bytes are not touched by it. */
  readonly onError?: (error: unknown) => void;
  /** The most decoded bytes kept of a JSON body; the usage of a larger one is `missing`. @defaultValue 8388608 */
  readonly maxJsonBytes?: number;
}

/** An observer that reads the usage of one response of the Anthropic API. */
export interface UsageObserver extends BodyObserver {
  onHead(status: number, rawHeaders: readonly string[]): void;
  onEnd(how: string): Promise<void> | undefined;
  /** What is known so far; final once `onEnd` has returned, or its promise has resolved. */
  result(): UsageResult;
}

/** How many bytes of a JSON body are kept when `maxJsonBytes` is not given. */
export const DEFAULT_MAX_JSON_BYTES = 8_388_608;

/**
 * Creates the observer of one response, an event stream or JSON, compressed or not. Fields are merged as the API means them:
 * `message_start` first, then each `message_delta` overwrites what it names. A body without a head is read as an event stream.
 */
export function createUsageObserver(options: UsageObserverOptions = {}): UsageObserver {
  const reading = createMessageReading();
  const onError = options.onError ?? ((): void => undefined);
  let body: BodyReading | undefined;
  return {
    onHead: (status, rawHeaders) => {
      const mediaType = readMediaType(rawHeaders);
      if (mediaType === 'text/event-stream') {
        const events = createUsageEvents(reading, options, onError);
        events.onHead(status, rawHeaders);
        body = events;
      } else if (mediaType === 'application/json' || mediaType.endsWith('+json')) {
        body = createJsonBody({
          coding: readContentCoding(rawHeaders),
          maxBytes: options.maxJsonBytes ?? DEFAULT_MAX_JSON_BYTES,
          maxLagBytes: options.maxLagBytes ?? DEFAULT_EVENT_OBSERVER_LIMITS.maxLagBytes,
          onBody: (bytes) => reading.takeBody(bytes),
          onError,
        });
      } else body = UNREAD;
    },
    onChunk: (chunk) => {
      body ??= createUsageEvents(reading, options, onError);
      body.onChunk(chunk);
    },
    onEnd: (how) => {
      const ended = body?.onEnd(how);
      if (ended === undefined) {
        options.onUsage?.(reading.result());
        return undefined;
      }
      return ended.then(() => options.onUsage?.(reading.result()));
    },
    result: () => reading.result(),
  };
}

const UNREAD: BodyReading = { onChunk: () => undefined, onEnd: () => undefined };

function createUsageEvents(reading: MessageReading, options: UsageObserverOptions, onError: (error: unknown) => void): EventObserver {
  return createEventObserver({
    ...options,
    events: READ_EVENTS,
    onError,
    onEvent: (name, data) => {
      try {
        reading.takeEvent(name, data);
      } catch (cause) {
        onError(new ObserverError('invalid_json', `the data of a ${name} event is not JSON`, { cause }));
      }
    },
  });
}

function readMediaType(rawHeaders: readonly string[]): string {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === 'content-type') return (rawHeaders[index + 1] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  }
  return '';
}
