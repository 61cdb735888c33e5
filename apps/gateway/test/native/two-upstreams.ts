import { answerAlways, startScriptedUpstream, wholeResponse, type ScriptedUpstream, type WireMessage } from '@penstock/test-support';
import { startTestGateway, type ConfigDocument, type TestGateway } from '../start-test-gateway.ts';

/** An upstream whose answer a test changes. */
export interface TestUpstream extends ScriptedUpstream {
  answer: (request: WireMessage) => Buffer;
}

/** An answer in JSON. */
export function jsonAnswer(status: number, body: string, fields: readonly string[] = []): () => Buffer {
  return () => wholeResponse(status, ['content-type', 'application/json', ...fields], body);
}

/** The answer of an upstream that serves. */
export const SERVED: () => Buffer = jsonAnswer(200, '{"type":"message","model":"claude-x","usage":{"input_tokens":1,"output_tokens":1}}');

/** The answer of the API when it is overloaded. */
export const OVERLOADED: () => Buffer = jsonAnswer(529, '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}');

/** Starts an upstream that answers every request. */
export async function startAnswering(answer: (request: WireMessage) => Buffer = SERVED): Promise<TestUpstream> {
  const current = { answer };
  const upstream = await startScriptedUpstream(answerAlways((request) => current.answer(request)));
  return Object.defineProperty(upstream, 'answer', { get: () => current.answer, set: (next: TestUpstream['answer']) => { current.answer = next; } }) as TestUpstream;
}

/** The entries of `anthropic_native.upstreams` for origins, named a, b, …, in tiers of their order. */
export function entriesFor(origins: readonly string[], more: readonly object[] = []): readonly object[] {
  return origins.map((origin, index) => {
    const name = 'abcd'[index] ?? '';
    return { name, base_url: origin, credential: { api_key: `sk-ant-key-of-${name}` }, tier: index, ...more[index] };
  });
}

/** Starts a gateway in front of several upstreams. */
export function startGroupGateway(upstreams: readonly object[], native: object = {}, document: ConfigDocument = {}): Promise<TestGateway> {
  return startTestGateway('http://127.0.0.1:1', { ...document, anthropic_native: { upstreams, ...native } });
}

/** Sends one message. */
export function ask(gateway: TestGateway, { session, body = { model: 'claude-x', max_tokens: 9, messages: [] }, path = '/v1/messages', headers = {} }: { readonly session?: string; readonly body?: unknown; readonly path?: string; readonly headers?: Readonly<Record<string, string>> } = {}): Promise<Response> {
  return fetch(`${gateway.anthropic}${path}`, {
    method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...(session === undefined ? {} : { 'x-claude-code-session-id': session }), ...headers },
  });
}
