/** A protocol of the front door, as a strict reader knows it. */
export interface CutProtocol {
  readonly path: string;
  /** A streamed request for a model. */
  readonly ask: (model: string) => object;
  /** Whether a frame reports that the answer broke. */
  readonly isFailure: (frame: string) => boolean;
  /** Whether a client may take the answer for whole at this frame. */
  readonly isEnd: (frame: string) => boolean;
  /** Without what differs from one answer to the next: when it was made. */
  readonly normalize: (frame: string) => string;
}

const DONE = '[DONE]';
const typeOf = (frame: string): string => /^\{"type":"([^"]*)"/.exec(frame)?.[1] ?? '';

export const CUT_PROTOCOLS = {
  chat: {
    path: '/v1/chat/completions',
    ask: (model) => ({ model, stream: true, stream_options: { include_usage: true }, messages: [{ role: 'user', content: 'hi' }] }),
    isFailure: (frame) => frame.startsWith('{"error":'),
    isEnd: (frame) => frame === DONE || /"finish_reason":"/.test(frame),
    normalize: (frame) => frame.replace(/"created":\d+/, '"created":0'),
  },
  responses: {
    path: '/v1/responses',
    ask: (model) => ({ model, stream: true, store: false, input: 'hi' }),
    isFailure: (frame) => ['response.failed', 'error'].includes(typeOf(frame)),
    isEnd: (frame) => ['response.completed', 'response.incomplete'].includes(typeOf(frame)),
    normalize: (frame) => frame.replaceAll(/"(created_at|completed_at)":\d+/g, '"$1":0'),
  },
} as const satisfies Readonly<Record<string, CutProtocol>>;
