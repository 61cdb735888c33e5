import type { Refusal } from './refusal.ts';
import type { JobKind, TranslationJobs } from './translation-job.ts';

/** A job on its way to the thread. */
export interface ThreadRequest {
  readonly kind: JobKind;
  readonly json: Uint8Array<ArrayBuffer>;
  readonly plan: TranslationJobs[JobKind]['plan'];
}

/** How a job ended: its result, the error that the client gets, or a defect. */
export type ThreadAnswer =
  | { readonly result: TranslationJobs[JobKind]['result'] }
  | { readonly refusal: Refusal }
  | { readonly failure: Error };

function ownsItsMemory(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
}

/** The same bytes in memory of their own, which can be handed to another thread; copied where others share it, as small Buffers do. */
export function toOwnMemory(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return ownsItsMemory(bytes) ? bytes : new Uint8Array(bytes);
}

/** The memory that goes over with a message instead of being copied. */
export function transferable(result: object): ArrayBuffer[] {
  return Object.values(result).filter((value): value is Uint8Array<ArrayBuffer> => value instanceof Uint8Array && ownsItsMemory(value)).map(({ buffer }) => buffer);
}
