import type { Worker } from 'node:cluster';

/** A connection of a client that the primary accepted, as node:cluster hands it to a worker. */
interface AcceptedConnection {
  close(): void;
}

/** What node:cluster sends between primary and worker. */
interface ClusterMessage {
  readonly cmd?: unknown;
  readonly act?: unknown;
  readonly seq?: unknown;
  readonly ack?: unknown;
}

type Send = (this: unknown, message: unknown, handle?: unknown, ...rest: unknown[]) => boolean;

/**
 * Closes the connections that were on their way to a worker when it ended. node:cluster closes the primary's end of a connection when the worker
 * confirms that it has it; the end of a worker that was killed, or stood still before, would stay open for ever, and its client without an answer.
 * A closed connection, of which nothing was read, is one that clients try again.
 *
 * node:cluster documents none of these messages: where they have another form, nothing is remembered and nothing is closed.
 */
export function closeConnectionsOnTheirWay(worker: Worker): void {
  const onTheirWay = new Map<unknown, AcceptedConnection>();
  const child = worker.process as unknown as { send: Send };
  const { send } = child;
  child.send = function remember(message, handle, ...rest) {
    const { cmd, act, seq } = (message ?? {}) as ClusterMessage;
    if (cmd === 'NODE_CLUSTER' && act === 'newconn' && isConnection(handle)) onTheirWay.set(seq, handle);
    return send.call(this, message, handle, ...rest);
  };
  // Confirmed or given back: either way node:cluster takes care of it.
  worker.process.on('internalMessage', ({ cmd, ack }: ClusterMessage) => {
    if (cmd === 'NODE_CLUSTER') onTheirWay.delete(ack);
  });
  worker.once('exit', () => {
    for (const connection of onTheirWay.values()) connection.close();
    onTheirWay.clear();
  });
}

function isConnection(handle: unknown): handle is AcceptedConnection {
  return typeof (handle as AcceptedConnection | undefined)?.close === 'function';
}
