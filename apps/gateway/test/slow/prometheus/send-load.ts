import { readEvents } from '@penstock/test-support';
import type { Outcome } from '../../../src/request/request-record.ts';

/** What a load generator knows to be true; the metrics must say the same. */
export interface Truth {
  readonly outcomes: Partial<Record<Outcome, number>>;
  readonly statuses: Record<string, number>;
  requestBytes: number;
  responseBytes: number;
  readonly tokens: Record<'input' | 'output' | 'cache_read' | 'cache_write_5m' | 'cache_write_1h', number>;
  /** What went through the front door; all else is the native side. */
  readonly frontDoor: { requests: number; requestBytes: number; responseBytes: number; promptTokens: number; completionTokens: number };
}

/** A truth of which nothing has happened yet. */
export function createTruth(): Truth {
  return {
    outcomes: {}, statuses: {}, requestBytes: 0, responseBytes: 0, tokens: { input: 0, output: 0, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0 },
    frontDoor: { requests: 0, requestBytes: 0, responseBytes: 0, promptTokens: 0, completionTokens: 0 },
  };
}

/** Counts one request that ended. */
export function countOutcome({ outcomes, statuses }: Truth, outcome: Outcome, status: number): void {
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  statuses[status] = (statuses[status] ?? 0) + 1;
}

/** The `usage` object of the Messages API, as far as it is counted. */
interface Usage {
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly cache_read_input_tokens?: number;
  readonly cache_creation?: { readonly ephemeral_5m_input_tokens?: number; readonly ephemeral_1h_input_tokens?: number };
}

function countTokens({ tokens }: Truth, usage: Usage): void {
  tokens.input += usage.input_tokens ?? 0;
  tokens.output += usage.output_tokens ?? 0;
  tokens.cache_read += usage.cache_read_input_tokens ?? 0;
  tokens.cache_write_5m += usage.cache_creation?.ephemeral_5m_input_tokens ?? 0;
  tokens.cache_write_1h += usage.cache_creation?.ephemeral_1h_input_tokens ?? 0;
}

/** The last word on each count: a later event replaces what an earlier one said. */
function usageOfStream(body: Buffer): Usage {
  let usage: Usage = {};
  for (const { data } of readEvents(body).events) {
    const event: { readonly message?: { readonly usage?: Usage }; readonly usage?: Usage } = JSON.parse(data);
    usage = { ...usage, ...event.message?.usage, ...event.usage };
  }
  return usage;
}

const PROMPTS = ['Say hello.', 'Tell me about penstocks, turbines and gates. '.repeat(40)];

/** Every fourth request marks a beginning of its own for the prompt cache, for five minutes or an hour, and the next but one reads it. */
function systemPrompt(index: number): { readonly system?: readonly unknown[] } {
  if (index % 4 > 1) return {};
  const ttl = index % 8 > 1 ? '1h' : '5m';
  return { system: [{ type: 'text', text: `You know all about gate ${Math.floor(index / 16)}. `.repeat(50), cache_control: { type: 'ephemeral', ttl } }] };
}

/** Sends one request that ends well and counts what is true of it. */
async function sendMessage(anthropic: string, index: number, truth: Truth): Promise<void> {
  const streams = index % 3 !== 0;
  const body = JSON.stringify({ model: index % 5 === 0 ? 'sim-thinking' : 'sim-text', max_tokens: 256, stream: streams, ...systemPrompt(index), messages: [{ role: 'user', content: PROMPTS[index % 2] }] });
  const response = await fetch(`${anthropic}/v1/messages`, {
    method: 'POST', body, headers: { 'content-type': 'application/json', 'accept-encoding': 'identity', 'anthropic-version': '2023-06-01' },
  });
  const answer = Buffer.from(await response.arrayBuffer());
  if (response.status !== 200) throw new Error(`${response.status} ${answer.toString()}`);
  truth.requestBytes += Buffer.byteLength(body);
  truth.responseBytes += answer.length;
  const parsed: { readonly usage?: Usage } = streams ? { usage: usageOfStream(answer) } : JSON.parse(answer.toString());
  countTokens(truth, parsed.usage ?? {});
  countOutcome(truth, 'ok', response.status);
}

/** Sends one request that the gateway itself refuses: its body is no JSON. */
async function sendNonsense(anthropic: string, truth: Truth): Promise<void> {
  const response = await fetch(`${anthropic}/v1/messages`, { method: 'POST', body: '{"model": nonsense}', headers: { 'content-type': 'application/json' } });
  truth.responseBytes += (await response.arrayBuffer()).byteLength;
  countOutcome(truth, 'client_error', response.status);
}

/** Sends one request through the front door. */
async function sendChat(origin: string, truth: Truth): Promise<void> {
  const body = JSON.stringify({ model: 'claude-sim', messages: [{ role: 'user', content: 'Say hello.' }] });
  const response = await fetch(`${origin}/v1/chat/completions`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  const answer = await response.text();
  if (response.status !== 200) throw new Error(`${response.status} ${answer}`);
  const { usage }: { readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number } } = JSON.parse(answer);
  truth.frontDoor.requests += 1;
  truth.frontDoor.requestBytes += Buffer.byteLength(body);
  truth.frontDoor.responseBytes += Buffer.byteLength(answer);
  truth.frontDoor.promptTokens += usage.prompt_tokens;
  truth.frontDoor.completionTokens += usage.completion_tokens;
}

/** Every tenth request is the client's mistake, every seventh goes through the front door. */
async function sendNext(anthropic: string, index: number, truth: Truth): Promise<void> {
  if (index % 10 === 0) return sendNonsense(anthropic, truth);
  return index % 7 === 0 ? sendChat(new URL(anthropic).origin, truth) : sendMessage(anthropic, index, truth);
}

/** Keeps a gateway busy with `lanes` requests at a time until told to stop. */
export function startLoad(anthropic: string, lanes: number): { stop(): Promise<Truth> } {
  const truth = createTruth();
  const stopped = new AbortController();
  let index = 0;
  const lane = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      index += 1;
      await sendNext(anthropic, index, truth);
      await new Promise((resolve) => { setTimeout(resolve, 25); });
    }
  };
  const done = Promise.all(Array.from({ length: lanes }, lane));
  // stop() rejects with the failure; until then it must not count as an unhandled rejection.
  done.catch(() => undefined);
  return {
    async stop() {
      stopped.abort();
      await done;
      return truth;
    },
  };
}
