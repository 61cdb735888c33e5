import type { BackendRequest } from '../backend.ts';
import type { Exchange, UpstreamAnswer } from './exchange.ts';
import type { NamedBackend } from './front-door.ts';

/** A request that is ready to be sent, and what is done with its answer. `answer` holds nothing of the request. */
export interface Outbound {
  readonly to: NamedBackend;
  readonly request: BackendRequest;
  readonly answer: (response: UpstreamAnswer) => Promise<void>;
}

/**
 * Sends what was prepared and answers. No function whose frame holds the request waits here: an answer streams for minutes, and
 * the body, what was parsed of it and what was made of that would be held as long, four times the conversation for each stream.
 */
export function sendAndAnswer(exchange: Exchange, prepared: Promise<Outbound>): Promise<void> {
  return prepared.then(({ to, request, answer }) => exchange.send(to.name, to.backend, request).then(answer));
}
