import { validateMessagesRequest } from '@penstock/anthropic-simulator';
import {
  answerEvents, answerJson, messageEvents, startMessagesUpstream, type Answer, type MessageEnd, type MessagesUpstream, type ScriptedBlock,
} from '../../../../../packages/openai-front-door/test/support/messages-upstream.ts';

/** A Messages request as the upstream got it. */
export interface MessagesBody {
  readonly model: string;
  readonly tools?: readonly { readonly name: string; readonly description?: string }[];
  readonly system?: unknown;
  readonly thinking?: unknown;
  readonly output_config?: { readonly format?: { readonly schema?: unknown } };
  readonly messages: readonly { readonly role: string; readonly content: readonly Readonly<Record<string, unknown>>[] }[];
}

/** What a step answers: blocks and how they end, or an answer of its own. */
export type ScriptStep = readonly [blocks: readonly ScriptedBlock[], end?: MessageEnd] | Answer;

/** An upstream that answers the steps of a script in order, the last one again and again. */
export interface ScriptedClaude extends MessagesUpstream {
  /** The bodies of all requests so far. */
  bodies(): readonly MessagesBody[];
}

/** The list of models, as far as a client of the front door learns from it. */
const CATALOGUE = { data: [{ type: 'model', id: 'claude-sonnet-5-5', display_name: 'Claude Sonnet 5.5', created_at: '2026-09-28T00:00:00Z', max_input_tokens: 200_000, max_tokens: 128_000 }], has_more: false };

function messagesOf({ requests }: MessagesUpstream): readonly MessagesBody[] {
  return requests.filter(({ method }) => method === 'POST').map(({ body }) => body as MessagesBody);
}

/** Starts an upstream that refuses, as the API does, each request that the API would refuse. */
export async function startScriptedClaude(steps: readonly ScriptStep[]): Promise<ScriptedClaude> {
  const upstream = await startMessagesUpstream((request, response) => {
    if (request.method === 'GET') return answerJson(CATALOGUE)(request, response);
    const refused = validateMessagesRequest(request.body, { 'anthropic-beta': request.headers['anthropic-beta']?.toString() });
    if (refused !== undefined) return answerJson({ type: 'error', error: { type: 'invalid_request_error', message: refused.message } }, 400)(request, response);
    const step = steps[Math.min(messagesOf(upstream).length, steps.length) - 1];
    if (typeof step === 'function') return step(request, response);
    const [blocks = [], end] = step ?? [];
    return answerEvents(messageEvents(blocks, end))(request, response);
  });
  return { ...upstream, bodies: () => messagesOf(upstream) };
}
