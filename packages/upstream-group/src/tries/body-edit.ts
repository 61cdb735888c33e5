/** What one member gets otherwise than the others: some bytes of a body in place of those from `start` to before `end`. All others stay as they are. */
export interface BodyEdit {
  /** Offset of the first byte that is replaced. */
  readonly start: number;
  /** Offset of the first byte behind them; above `start`, and at most the length of the body. */
  readonly end: number;
  /** What stands in their place, of any length. */
  readonly bytes: Uint8Array;
}

/** The chunks of an edited body: those of the original, cut and not copied, and the bytes of the edit. Throws a `RangeError` where there is no such place. */
export function editChunks(chunks: readonly Uint8Array[], edit: BodyEdit): readonly Uint8Array[] {
  checkEdit(edit, chunks.reduce((total, { byteLength }) => total + byteLength, 0));
  let offset = 0;
  return chunks.flatMap((chunk) => {
    const pieces = piecesOf(chunk, offset, edit);
    offset += chunk.byteLength;
    return pieces;
  });
}

/** What is sent of a chunk that begins at `offset` of its body: the whole chunk, one to three pieces, or nothing where all of it is replaced. */
export function piecesOf(chunk: Uint8Array, offset: number, { start, end, bytes }: BodyEdit): readonly Uint8Array[] {
  const stop = offset + chunk.byteLength;
  if (stop <= start || offset >= end) return [chunk];
  const pieces: Uint8Array[] = [];
  if (offset < start) pieces.push(chunk.subarray(0, start - offset));
  if (offset <= start) pieces.push(bytes);
  if (stop > end) pieces.push(chunk.subarray(end - offset));
  return pieces;
}

/** Throws a `RangeError` where a body of so many bytes has no such place. */
export function checkEdit({ start, end }: BodyEdit, byteLength: number): void {
  if (!(start >= 0 && start < end && end <= byteLength)) throw new RangeError(`a body of ${byteLength} bytes has none from ${start} to ${end}`);
}
