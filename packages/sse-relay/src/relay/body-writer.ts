/** Writes the body of a response whose head was given to `writeHead`. */
export interface BodyWriter {
  /** False asks the caller to stop until `onDrain`. Throws what `ServerResponse.write` throws. */
  write(chunk: Uint8Array): boolean;
  /** Hands everything to the socket; the response may be written to directly after it, and only by then. */
  release(): void;
  /** Whether the client reads slower than we write. */
  readonly isBlocked: boolean;
}
