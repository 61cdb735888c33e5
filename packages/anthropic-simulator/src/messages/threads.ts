import { isJsonObject, listOf, textOf, type JsonObject } from '../json.ts';

/**
 * Conversations that the API holds (beta `message-threads-2026-08-12`): a request with `thread: {"type": "create"}` keeps itself and its
 * reply under the reply's `id`; one with `{"type": "continue", "previous_message_id"}` sends new messages only, and neither `system` nor
 * `tools`. The error codes are those that the official SDK recovers from.
 */
export interface Threads {
  /** The whole conversation of a request, or why there is none. A request without a thread is its own. */
  resume(request: JsonObject): { readonly ok: true; readonly request: JsonObject } | ThreadFailure;
  /** Keeps a conversation with its reply, where the request has a thread. A refused turn is not kept. */
  keep(resumed: JsonObject, reply: { readonly id: string; readonly content: readonly JsonObject[]; readonly stopReason: string }): void;
}

/** Why a request cannot be threaded. */
export interface ThreadFailure {
  readonly ok: false;
  readonly status: 400 | 404 | 409;
  readonly message: string;
  readonly errorCode?: 'thread_not_found' | 'thread_already_continued';
}

/** Conversations that are held at once; the oldest leaves, and is not found any more. */
export const MOST_THREADS = 1_000;

interface Held {
  readonly system: unknown;
  readonly tools: unknown;
  readonly messages: readonly unknown[];
  /** A reply is continued once; another branch needs a thread of its own. */
  isContinued: boolean;
}

/** Creates an empty store. */
export function createThreads(): Threads {
  const held = new Map<string, Held>();
  return {
    resume: (request) => {
      const { thread } = request as { readonly thread?: unknown };
      if (!isJsonObject(thread) || thread['type'] !== 'continue') return { ok: true, request };
      const repeated = ['system', 'tools'].find((name) => request[name] !== undefined);
      if (repeated !== undefined) return { ok: false, status: 400, message: `${repeated}: cannot be given when a thread is continued` };
      const id = textOf(thread['previous_message_id']);
      const found = held.get(id);
      if (found === undefined) return { ok: false, status: 404, message: `thread: no thread has the message ${id}`, errorCode: 'thread_not_found' };
      if (found.isContinued) return { ok: false, status: 409, message: `thread: the message ${id} was continued already`, errorCode: 'thread_already_continued' };
      const whole = {
        ...request, messages: [...found.messages, ...listOf(request['messages'])],
        ...found.system === undefined ? {} : { system: found.system }, ...found.tools === undefined ? {} : { tools: found.tools },
      };
      return { ok: true, request: whole };
    },
    keep: (resumed, { id, content, stopReason }) => {
      const { thread } = resumed as { readonly thread?: unknown };
      if (!isJsonObject(thread) || stopReason === 'refusal') return;
      const previous = held.get(textOf(thread['previous_message_id']));
      if (previous !== undefined) previous.isContinued = true;
      held.delete(id);
      held.set(id, { system: resumed['system'], tools: resumed['tools'], messages: [...listOf(resumed['messages']), { role: 'assistant', content }], isContinued: false });
      const [oldest] = held.keys();
      if (held.size > MOST_THREADS && oldest !== undefined) held.delete(oldest);
    },
  };
}
