/** Smaller buffers are not worth a call, and most of them are pieces of a shared pool. */
const FREED_BYTES = 16 * 1024;

/**
 * Gives the memory of a buffer back at once, where it has memory of its own; afterwards the buffer is empty. The collector counts memory
 * outside of its heap: each 64 MB of it, which is thirty bodies of 2 MB, cost a full collection of everything the process holds. Call it
 * only when no reader of the buffer is left, a socket's pending write included.
 */
export function freeMemory(chunk: Uint8Array): void {
  const { buffer } = chunk;
  if (chunk.byteLength < FREED_BYTES || chunk.byteLength !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) return;
  // What remains is the memory of the new buffer, which has none (ECMAScript 2024, 25.1.6.10).
  buffer.transfer(0);
}
