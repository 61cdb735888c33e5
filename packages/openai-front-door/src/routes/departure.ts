import type { ServerResponse } from 'node:http';
import { FrontDoorError } from '../errors/front-door-error.ts';

/** Watches for the early end of an exchange, by the client or by the application, and tells the upstream. */
export interface Departure {
  /** Aborted when the client leaves, the exchange is interrupted or its upstream is no longer wanted. */
  readonly signal: AbortSignal;
  /** Ends the exchange with an error of the application's. */
  interrupt(error: FrontDoorError): void;
  /** Cancels the upstream request. */
  cancelUpstream(): void;
  /** What ended the exchange early, if anything did: it comes before whatever it caused. */
  cause(error: unknown): FrontDoorError | undefined;
  /** Stops watching. */
  stop(): void;
}

function clientGone(cause?: unknown): FrontDoorError {
  return new FrontDoorError('client_gone', 'The client left before its answer was complete.', { cause });
}

/** Begins to watch one response. */
export function watchDeparture(response: ServerResponse): Departure {
  const controller = new AbortController();
  let interruption: FrontDoorError | undefined;
  let hasClientLeft = false;
  const onClose = (): void => {
    if (response.writableFinished) return;
    hasClientLeft = true;
    controller.abort(clientGone());
  };
  response.once('close', onClose);
  if (response.destroyed) onClose();
  return {
    signal: controller.signal,
    interrupt: (error) => {
      interruption ??= error;
      controller.abort(error);
    },
    cancelUpstream: () => { controller.abort(clientGone()); },
    cause: (error) => {
      if (interruption !== undefined) return interruption;
      if (error instanceof FrontDoorError && error.code === 'client_stalled') return error;
      // Node emits `close` of a connection after all other events that came with it: the client may be gone before that event.
      return hasClientLeft || isConnectionOver(response) ? clientGone(error) : undefined;
    },
    stop: () => { response.off('close', onClose); },
  };
}

/** Whether the rest of an unfinished response can no longer be delivered. A client that closed its sending side is gone where Node closed ours in return. */
function isConnectionOver({ writableFinished, req: { socket } }: ServerResponse): boolean {
  return !writableFinished && (socket.destroyed || (socket.readableEnded && socket.writableEnded));
}
