import { apiError, message, text, toolUse } from '../clients/api-answers.ts';
import type { ApiAnswer } from '../clients/scripted-api.ts';
import type { ClaudeCodeScenario } from './claude-code-scenario.ts';

const HELLO = message([text('Hello from upstream.')]);
const SAYS_HELLO = { exit: 0, result: 'Hello from upstream.' } as const;
const always = (answer: ApiAnswer) => () => ({ messages: [answer] });

/** How the API may end a message, and what it may refuse: the client must decide as it does without the gateway. */
export const ANSWER_SCENARIOS: readonly ClaudeCodeScenario[] = [
  { name: 'overloaded twice, then an answer', script: () => ({ messages: [apiError(529, 'overloaded_error', 'Overloaded'), apiError(529, 'overloaded_error', 'Overloaded'), HELLO] }), straight: { ...SAYS_HELLO, requests: 3, retriedAfter: [529, 529] } },
  { name: 'overloaded for good', script: always(apiError(529, 'overloaded_error', 'Overloaded')), straight: { requests: 3, exit: 1, errorStatus: 529 } },
  { name: 'overloaded, with another model to fall back on', flags: ['--fallback-model', 'claude-haiku-4-5'], script: always(apiError(529, 'overloaded_error', 'Overloaded')), straight: { requests: 6, exit: 1, fellBack: true } },
  { name: 'a rate limit that names its wait', script: () => ({ messages: [apiError(429, 'rate_limit_error', 'Number of requests has exceeded your limit', { 'retry-after': '1' }), HELLO] }), straight: { ...SAYS_HELLO, requests: 2, retriedAfter: [429] } },
  { name: 'an internal error, then an answer', script: () => ({ messages: [apiError(500, 'api_error', 'Internal server error'), HELLO] }), straight: { ...SAYS_HELLO, requests: 2, retriedAfter: [500] } },
  { name: 'a prompt that is too long', script: always(apiError(400, 'invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum')), straight: { requests: 1, exit: 1, errorStatus: 400 } },
  { name: 'a credit balance that is too low', script: always(apiError(400, 'invalid_request_error', 'Your credit balance is too low to access the Anthropic API.')), straight: { requests: 1, exit: 1 } },
  { name: 'a parameter that the API refuses', script: always(apiError(400, 'invalid_request_error', 'thinking.type: adaptive is not supported on this model')), straight: { requests: 2, exit: 1 } },
  { name: 'a wrong key', script: always(apiError(401, 'authentication_error', 'invalid x-api-key')), straight: { requests: 3, exit: 1, errorStatus: 401 } },
  { name: 'a permission that is missing', script: always(apiError(403, 'permission_error', 'Your account does not have access to this resource.')), straight: { requests: 1, exit: 1, errorStatus: 403 } },
  { name: 'a model that does not exist', script: always(apiError(404, 'not_found_error', 'model: claude-nothing')), straight: { requests: 2, exit: 1, errorStatus: 404 } },
  { name: 'a request that is too large', script: always(apiError(413, 'request_too_large', 'Request exceeds the maximum size')), straight: { requests: 1, exit: 1, errorStatus: 413 } },
  { name: 'a stop at the end of the context window', script: always(message([text('As far as it goes.')], { stopReason: 'model_context_window_exceeded' })), straight: { requests: 4, exit: 1 } },
  { name: 'a refusal', script: always(message([text('No.')], { stopReason: 'refusal', stopDetails: { type: 'refusal', category: 'cyber', explanation: 'Not this.' } })), straight: { requests: 3, exit: 1 } },
  { name: 'a stop at max_tokens', script: always(message([text('Half of')], { stopReason: 'max_tokens' })), straight: { requests: 4, exit: 1 } },
  { name: 'a turn that pauses', script: () => ({ messages: [message([text('One moment.')], { stopReason: 'pause_turn' }), HELLO] }), straight: { requests: 1, exit: 0 } },
  { name: 'a tool that does not exist', script: () => ({ messages: [message([toolUse('toolu_1', 'NoSuchTool', { a: 1 })], { stopReason: 'tool_use' }), HELLO] }), straight: { ...SAYS_HELLO, requests: 2 } },
];
