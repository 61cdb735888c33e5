import { once } from 'node:events';
import { cutStream, held, heldStream, message, messageEvents, resetBeforeHead, streamOf, text, type StreamEvent } from '../clients/api-answers.ts';
import type { ApiAnswer } from '../clients/scripted-api.ts';
import type { ClaudeCodeScenario } from './claude-code-scenario.ts';

const HELLO = message([text('Hello from upstream.')]);
const SAYS_HELLO = { exit: 0, result: 'Hello from upstream.' } as const;
const EVENTS = messageEvents([text('Half of an answer.')]);
const BEFORE_CONTENT = EVENTS.slice(0, 2);
const IN_THE_TEXT = EVENTS.slice(0, 4);
const BEFORE_STOP = EVENTS.slice(0, -1);
const HALF_AN_EVENT = 'event: content_block_delta\ndata: {"type":"content_blo';
const API_ERROR: StreamEvent = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
const thenHello = (answer: ApiAnswer) => () => ({ messages: [answer, HELLO] });

/** Responses that break. A client recovers from a broken stream by asking again, in a form that depends on how it broke. */
export const BREAK_SCENARIOS: readonly ClaudeCodeScenario[] = [
  { name: 'a stream cut inside an event', script: thenHello(cutStream(IN_THE_TEXT, HALF_AN_EVENT)), straight: { ...SAYS_HELLO, requests: 2 } },
  { name: 'a stream cut between two events', script: thenHello(cutStream(IN_THE_TEXT)), straight: { ...SAYS_HELLO, requests: 2 } },
  { name: 'a stream cut before its content', script: thenHello(cutStream(BEFORE_CONTENT)), straight: { ...SAYS_HELLO, requests: 2 } },
  // The client has the reason to stop, and takes the message for whole: where it has read it, for which a busy machine has more time.
  { name: 'a stream cut before message_stop', script: thenHello(cutStream(BEFORE_STOP, '', 4_000)), straight: { exit: 0, result: 'Half of an answer.', requests: 1 } },
  { name: 'streams that are cut again and again', script: () => ({ messages: [cutStream(IN_THE_TEXT)] }), straight: { requests: 4, exit: 1 } },
  {
    name: 'a stream cut between two events, for a client that does without a stream to fall back on', environment: { CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK: '1' },
    script: thenHello(cutStream(IN_THE_TEXT)), straight: { ...SAYS_HELLO, requests: 2 },
  },
  { name: 'a stream that ends well without message_stop', script: thenHello(streamOf(BEFORE_STOP)), straight: { requests: 1 } },
  { name: 'a stream that ends well in the text', script: thenHello(streamOf(IN_THE_TEXT)), straight: { requests: 2 } },
  { name: 'an error event of the API', script: thenHello(streamOf([...IN_THE_TEXT, API_ERROR])), straight: { ...SAYS_HELLO, requests: 2 } },
  { name: 'an error event before anything else', script: thenHello(streamOf([API_ERROR])), straight: { ...SAYS_HELLO, requests: 2 } },
  { name: 'a connection that is reset before the answer', script: thenHello(resetBeforeHead), straight: { ...SAYS_HELLO, requests: 2 } },
  {
    // Straight, the upstream ends the stream that fell silent; through the gateway its idle clock does.
    name: 'a stream that falls silent', gateway: { anthropic_native: { timeouts: { idle: 0.5 } } },
    script: (way) => ({ messages: [way === 'straight' ? cutStream(IN_THE_TEXT) : heldStream(IN_THE_TEXT), HELLO] }), straight: { ...SAYS_HELLO, requests: 2 },
  },
  {
    name: 'a user who interrupts a stream',
    script: () => ({ messages: [heldStream(IN_THE_TEXT)] }),
    async meanwhile(child, api) {
      await api.asked(1);
      child.kill('SIGINT');
      await once(child, 'close');
      await api.abandoned(1);
    },
    straight: { requests: 1 },
  },
  {
    name: 'a user who interrupts before the answer begins',
    script: () => ({ messages: [held] }),
    async meanwhile(child, api) {
      await api.asked(1);
      child.kill('SIGINT');
      await once(child, 'close');
      await api.abandoned(1);
    },
    straight: { requests: 1 },
  },
];
