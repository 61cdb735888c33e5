import type { Buffer } from 'node:buffer';
import { createBodyDecoder, type BodyDecoder } from './decode-body.ts';

/** A decoder that is waited for. Each call rejects with what is wrong with the body, or with what the sink threw. */
export interface BodyDecoding {
  /** Resolves when there is room for more. */
  write(chunk: Buffer): Promise<void>;
  /** Resolves when the sink got the last decoded byte. */
  end(): Promise<void>;
  destroy(): void;
}

/** Begins to decode a body of a content coding; `undefined` for identity. Throws a `BodyCodingError` for a coding that is not known. */
export function beginDecoding(contentEncoding: string | undefined, sink: (chunk: Buffer) => void): BodyDecoding | undefined {
  const decoder = createBodyDecoder(contentEncoding, sink);
  return decoder === undefined ? undefined : waitingFor(decoder);
}

function waitingFor(decoder: BodyDecoder): BodyDecoding {
  let failure: { readonly error: unknown } | undefined;
  let reject: (error: unknown) => void = () => undefined;
  decoder.onFailure((error) => {
    failure ??= { error };
    reject(error);
  });
  // It may fail while nothing waits for it: the next call rejects then.
  const orFailed = (begin: (done: () => void) => void): Promise<void> => new Promise((resolve, rejectThis) => {
    reject = rejectThis;
    if (failure === undefined) begin(resolve);
    else rejectThis(failure.error);
  });
  return {
    write: (chunk) => orFailed((done) => {
      if (decoder.write(chunk)) done();
      else decoder.onceDrained(done);
    }),
    end: () => orFailed((done) => { decoder.end(done); }),
    destroy: () => { decoder.destroy(); },
  };
}
