import { asObject, asText, createUsageFields, type JsonObject } from './usage-fields.ts';
import type { UsageResult } from './usage-result.ts';

/** Puts the events of a message stream, or one JSON body, together to what they say of the message. */
export interface MessageReading {
  /** Takes one event's data; throws a `SyntaxError` on data that is not JSON. */
  takeEvent(name: string, data: Uint8Array): void;
  /** Takes a whole JSON body. */
  takeBody(body: Uint8Array): void;
  result(): UsageResult;
}

/** The events that `takeEvent` understands. */
export const READ_EVENTS: readonly string[] = ['message_start', 'message_delta', 'message_stop', 'error', 'completion'];

/** Creates a reading of nothing. */
export function createMessageReading(): MessageReading {
  const fields = createUsageFields();
  let hasStarted = false;
  let hasUsage = false;
  let hasDeltaUsage = false;
  let isFinal = false;
  let model: string | undefined;
  let stopReason: string | undefined;
  let sawStop = false;
  let sawErrorEvent = false;
  let errorType: string | undefined;

  const takeUsage = (source: JsonObject | undefined): boolean => {
    const usage = asObject(source?.['usage']);
    if (usage === undefined) return false;
    fields.overwrite(usage);
    hasUsage = true;
    return true;
  };
  const takeStart = (message: JsonObject | undefined): void => {
    // A proxy on the way may repeat it: what came since then counts.
    if (hasStarted || message === undefined) return;
    hasStarted = true;
    model = asText(message['model']);
    stopReason = asText(message['stop_reason']);
    takeUsage(message);
  };
  const takeDelta = (event: JsonObject): void => {
    stopReason = asText(asObject(event['delta'])?.['stop_reason']) ?? stopReason;
    hasDeltaUsage = takeUsage(event) || hasDeltaUsage;
    isFinal ||= hasDeltaUsage && stopReason !== undefined;
  };
  const takeError = (event: JsonObject): void => { errorType = asText(asObject(event['error'])?.['type']) ?? errorType; };
  /** The legacy completion carries no usage; its last event is the one with a stop reason. */
  const takeCompletion = (event: JsonObject): void => {
    model = asText(event['model']) ?? model;
    stopReason = asText(event['stop_reason']) ?? stopReason;
    sawStop ||= stopReason !== undefined;
  };

  return {
    takeEvent: (name, data) => {
      if (name === 'message_stop') {
        sawStop = true;
        isFinal ||= hasDeltaUsage;
      } else if (name === 'error') sawErrorEvent = true;
      const event = asObject(parseJson(data));
      if (event === undefined) return;
      if (name === 'message_start') takeStart(asObject(event['message']));
      else if (name === 'message_delta') takeDelta(event);
      else if (name === 'error') takeError(event);
      else if (name === 'completion') takeCompletion(event);
    },
    takeBody: (body) => {
      const message = asObject(parseJson(body));
      if (message === undefined) return;
      sawStop = true;
      if (message['error'] !== undefined) takeError(message);
      takeStart(message);
      isFinal = hasUsage;
    },
    result: () => ({
      usage: fields.read(),
      source: isFinal ? 'final' : hasUsage ? 'partial' : 'missing',
      ...(model === undefined ? {} : { model }),
      ...(stopReason === undefined ? {} : { stopReason }),
      sawStop,
      sawErrorEvent,
      ...(errorType === undefined ? {} : { errorType }),
    }),
  };
}

function parseJson(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
}
