import type { Socket } from 'node:net';

const STOPPED = Symbol('parsing stopped');

/** Node's HTTP parser of a connection, which its types leave out. */
type ParsedSocket = Socket & { [STOPPED]?: boolean; parser?: { onIncoming?: (() => number) | null } | null };

/** What llhttp's callback for a whole head returns to end the parsing of its chunk with an error; it knows 0 to 2. */
const STOP = -1;

/** Whether nothing that still arrives on the connection becomes a request. */
export function isParsingStopped(socket: object): boolean {
  return (socket as ParsedSocket)[STOPPED] === true;
}

/**
 * Takes the HTTP parser off a connection that carries no further request. What still arrives is read and thrown away, so that the client
 * can send it and read its answer, and so that its end is seen. Left on, the parser makes a request of each head behind a refusal: 77 MB
 * of them keep the process busy for twelve seconds.
 */
export function stopParsing(socket: Socket): void {
  if (isParsingStopped(socket) || socket.destroyed) return;
  (socket as ParsedSocket)[STOPPED] = true;
  // A listener for data makes Node take the socket away from its parser; Node's own would feed the parser again.
  socket.removeAllListeners('data');
  socket.on('data', discard);
  socket.resume();
  // A connection that was paused because its body came too fast is not read by that: its stream takes it for one that is being read.
  socket._read(0);
  // The chunk that it is reading may hold thousands of heads; it stops at the next one.
  const { parser } = socket as ParsedSocket;
  if (parser?.onIncoming != null) parser.onIncoming = () => STOP;
}

function discard(): void {
  // Thrown away.
}
