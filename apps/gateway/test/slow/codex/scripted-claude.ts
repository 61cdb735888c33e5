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

/** Starts an upstream that refuses, as the API does, each request that the API would refuse. */
export async function startScriptedClaude(steps: readonly ScriptStep[]): Promise<ScriptedClaude> {
  const upstream = await startMessagesUpstream((request, response) => {
    const refused = validateMessagesRequest(request.body);
    if (refused !== undefined) return answerJson({ type: 'error', error: { type: 'invalid_request_error', message: refused.message } }, 400)(request, response);
    const step = steps[Math.min(upstream.requests.length, steps.length) - 1];
    if (typeof step === 'function') return step(request, response);
    const [blocks = [], end] = step ?? [];
    return answerEvents(messageEvents(blocks, end))(request, response);
  });
  return { ...upstream, bodies: () => upstream.requests.map(({ body }) => body as MessagesBody) };
}
