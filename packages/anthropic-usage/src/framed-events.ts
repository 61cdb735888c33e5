import { Buffer } from 'node:buffer';
import type { Frame } from '@penstock/sse-relay';
import { asObject } from './json-values.ts';

/** Receives what a stream of frames carries. */
export interface FramedEventSink {
  onEvent(name: string, data: Uint8Array): void;
  /** The frame of an exception or error, with its type. It ends the stream. */
  onException(type: string | undefined): void;
}

/** A chunk begins with this, written as Amazon Bedrock writes it. */
const CHUNK_START = '{"bytes":"';
/** What follows is base64; 27 bytes are 36 characters without padding. Nearly every event is one of these, and need not be parsed. */
const DELTA_START = Buffer.from('{"type":"content_block_delta"').subarray(0, 27).toString('base64');
const DELTA_PREFIX = CHUNK_START + DELTA_START;

/**
 * Hands the Anthropic event in a frame of Amazon Bedrock to the sink, if its type is wanted
 * (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html): the payload of a `chunk` is
 * `{"bytes": base64 of the event}`. Throws a `SyntaxError` on a payload or an event that is not JSON.
 */
export function readFramedEvent(frame: Frame, wanted: readonly string[], sink: FramedEventSink): void {
  const messageType = frame.header(':message-type');
  if (messageType === 'exception' || messageType === 'error') sink.onException(frame.header(':exception-type') ?? frame.header(':error-code'));
  else if (frame.header(':event-type') === 'chunk') readChunk(frame.payload, wanted, sink);
}

function readChunk(payload: Uint8Array, wanted: readonly string[], sink: FramedEventSink): void {
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (text.toString('latin1', 0, DELTA_PREFIX.length) === DELTA_PREFIX && !wanted.includes('content_block_delta')) return;
  const bytes = asObject(JSON.parse(text.toString('utf8')))?.['bytes'];
  if (typeof bytes !== 'string') return;
  const data = Buffer.from(bytes, 'base64');
  const name = asObject(JSON.parse(data.toString('utf8')))?.['type'];
  if (typeof name === 'string' && wanted.includes(name)) sink.onEvent(name, data);
}
