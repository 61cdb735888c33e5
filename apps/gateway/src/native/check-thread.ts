import type { Envelope, MemberValue } from '@penstock/json-envelope';
import { GatewayError } from '../request/gateway-error.ts';
import type { NativeExchange } from './native-exchange.ts';

const CLOSED = 'This message continues a message thread, which the API keeps for all clients of this gateway together. '
  + 'That is not open to this client: "message_threads" in its clients[].routes opens it.';

/**
 * Refuses a message that continues a thread (`thread: {type: "continue", previous_message_id}`, beta `message-threads-…`) for a client to
 * which threads are closed: the thread is state of the one workspace behind the gateway's key, as files are. Only what surely begins a
 * thread passes.
 */
export function checkThread(exchange: NativeExchange, { members }: Envelope): void {
  const thread = members.get('thread');
  if (thread === undefined || exchange.rules === undefined || exchange.rules.allowsMessageThreads) return;
  if (thread.every(({ kind }) => kind === 'null')) return;
  const begins = thread.every(({ kind }) => kind === 'object') && hasOnly(members.get('thread.type'), 'create') && !members.has('thread.previous_message_id');
  if (!begins) throw new GatewayError('forbidden', CLOSED);
}

function hasOnly(values: readonly MemberValue[] | undefined, text: string): boolean {
  return values !== undefined && values.every((value) => value.kind === 'string' && value.value === text);
}
