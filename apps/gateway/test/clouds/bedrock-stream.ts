import { encodeFrame } from '@penstock/sse-relay';

/** The frames of a streamed message as Bedrock sends it. */
export const FRAMES: readonly Buffer[] = [
  '{"type":"message_start","message":{"model":"claude-x-20250101","usage":{"input_tokens":11,"output_tokens":1}}}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}',
  '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}',
  '{"type":"message_stop"}',
].map((event) => encodeFrame({ ':event-type': 'chunk', ':content-type': 'application/json', ':message-type': 'event' }, Buffer.from(JSON.stringify({ bytes: Buffer.from(event).toString('base64') }))));

/** The whole stream. */
export const STREAM: Buffer = Buffer.concat(FRAMES);
