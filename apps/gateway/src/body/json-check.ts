/** Checks one JSON text as it arrives, in constant memory. Both calls throw a `JsonCheckError` for what is not acceptable. */
export interface JsonCheck {
  write(chunk: Uint8Array): void;
  end(): void;
}

/** Begins to check a text of at most `maxBytes` bytes. */
export type BeginJsonCheck = (maxBytes: number) => JsonCheck;

/** Why a text is refused; `byteOffset` is where. */
export class JsonCheckError extends Error {
  override readonly name = 'JsonCheckError';
  readonly code: 'invalid' | 'too_large';
  readonly byteOffset: number;

  constructor(code: JsonCheckError['code'], message: string, byteOffset: number) {
    super(message);
    this.code = code;
    this.byteOffset = byteOffset;
  }
}
