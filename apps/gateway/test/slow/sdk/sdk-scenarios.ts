import { gzipSync } from 'node:zlib';
import { apiError, cutStream, held, json, message, messageEvents, resetBeforeHead, streamOf, text, toolUse } from '../clients/api-answers.ts';
import type { ApiAnswer, ApiScript } from '../clients/scripted-api.ts';

/** What a program does with its SDK; each is written once for each SDK. */
export const SDK_CALLS = ['create', 'stream', 'tool', 'stream_tool', 'count_tokens', 'impatient', 'impatient_stream'] as const;
export type SdkCall = (typeof SDK_CALLS)[number];

/** How a call ended, in words that both SDKs have. */
export interface SdkEnd {
  readonly text?: string;
  readonly stopReason?: string;
  /** The class of the error that was raised; its text and status beside it. */
  readonly error?: string;
  readonly status?: number | null;
  readonly message?: string;
}

/** One call and what the upstream does. */
export interface SdkScenario {
  readonly name: string;
  readonly call: SdkCall;
  readonly script: () => ApiScript;
  /** What the call must come to without the gateway. */
  readonly straight: { readonly requests: number; readonly text?: string; readonly stopReason?: string; readonly fails?: true; readonly status?: number };
}

const HELLO = message([text('Hello from upstream.')]);
const SAYS_HELLO = { text: 'Hello from upstream.', stopReason: 'end_turn' } as const;
const EVENTS = messageEvents([text('Half of an answer.')]);
const IN_THE_TEXT = EVENTS.slice(0, 4);
/** The SDKs wait so long and no longer; they read the field before `retry-after`. */
const SOON = { 'retry-after-ms': '20' };
const OVERLOADED = apiError(529, 'overloaded_error', 'Overloaded', SOON);
const RATE_LIMITED = apiError(429, 'rate_limit_error', 'Number of requests has exceeded your limit', { ...SOON, 'anthropic-ratelimit-requests-remaining': '0' });
const always = (answer: ApiAnswer) => (): ApiScript => ({ messages: [answer] });
const inOrder = (...messages: readonly ApiAnswer[]) => (): ApiScript => ({ messages });
const TOOL_LOOP = inOrder(message([text('I look.'), toolUse('toolu_1', 'get_weather', { city: 'Bergen' })], { stopReason: 'tool_use' }), HELLO);

export const SDK_SCENARIOS: readonly SdkScenario[] = [
  { name: 'a message', call: 'create', script: always(HELLO), straight: { requests: 1, ...SAYS_HELLO } },
  { name: 'a stream', call: 'stream', script: always(HELLO), straight: { requests: 1, ...SAYS_HELLO } },
  { name: 'a stream that the upstream compressed', call: 'stream', script: always(streamOf(messageEvents([text('Hello from upstream.')]), ['gzip', gzipSync])), straight: { requests: 1, ...SAYS_HELLO } },
  { name: 'a tool and its result', call: 'tool', script: TOOL_LOOP, straight: { requests: 2, ...SAYS_HELLO } },
  { name: 'a streamed tool and its result', call: 'stream_tool', script: TOOL_LOOP, straight: { requests: 2, ...SAYS_HELLO } },
  { name: 'tokens are counted', call: 'count_tokens', script: () => ({ messages: [HELLO], others: { 'messages/count_tokens': json(200, { input_tokens: 1_234 }) } }), straight: { requests: 1, text: '1234' } },
  { name: 'overloaded twice, then an answer', call: 'create', script: inOrder(OVERLOADED, OVERLOADED, HELLO), straight: { requests: 3, ...SAYS_HELLO } },
  { name: 'a stream, overloaded twice before it begins', call: 'stream', script: inOrder(OVERLOADED, OVERLOADED, HELLO), straight: { requests: 3, ...SAYS_HELLO } },
  { name: 'overloaded for good', call: 'create', script: always(OVERLOADED), straight: { requests: 3, fails: true, status: 529 } },
  { name: 'a rate limit, then an answer', call: 'create', script: inOrder(RATE_LIMITED, HELLO), straight: { requests: 2, ...SAYS_HELLO } },
  { name: 'a rate limit for good', call: 'create', script: always(RATE_LIMITED), straight: { requests: 3, fails: true, status: 429 } },
  { name: 'a rate limit that must not be retried', call: 'create', script: always(apiError(429, 'rate_limit_error', 'This spend limit stays', { 'x-should-retry': 'false' })), straight: { requests: 1, fails: true, status: 429 } },
  { name: 'a bad request', call: 'create', script: always(apiError(400, 'invalid_request_error', 'max_tokens: Field required')), straight: { requests: 1, fails: true, status: 400 } },
  { name: 'a wrong key', call: 'create', script: always(apiError(401, 'authentication_error', 'invalid x-api-key')), straight: { requests: 1, fails: true, status: 401 } },
  { name: 'an internal error for good', call: 'create', script: always(apiError(500, 'api_error', 'Internal server error', SOON)), straight: { requests: 3, fails: true, status: 500 } },
  { name: 'a connection that is reset before the answer, then an answer', call: 'create', script: inOrder(resetBeforeHead, HELLO), straight: { requests: 2, ...SAYS_HELLO } },
  { name: 'an error event of the API', call: 'stream', script: always(streamOf([...IN_THE_TEXT, { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }])), straight: { requests: 1, fails: true } },
  { name: 'a stream cut inside an event', call: 'stream', script: always(cutStream(IN_THE_TEXT, 'event: content_block_delta\ndata: {"type":"content_blo')), straight: { requests: 1, fails: true } },
  { name: 'a stream cut between two events', call: 'stream', script: always(cutStream(IN_THE_TEXT)), straight: { requests: 1, fails: true } },
  { name: 'a stream that ends well in the text', call: 'stream', script: always(streamOf(IN_THE_TEXT)), straight: { requests: 1 } },
  { name: 'an answer that does not come', call: 'impatient', script: always(held), straight: { requests: 1, fails: true } },
  { name: 'a stream that does not begin', call: 'impatient_stream', script: always(held), straight: { requests: 1, fails: true } },
];
