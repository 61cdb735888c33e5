import type { IncomingHttpHeaders } from 'node:http';
import type { RequestTimings, UpstreamController } from '@penstock/upstream-client';
import type { TryFailure } from '../group-options.ts';
import type { StatusTraits } from '../health/failure-effects.ts';
import { readRetryAfter } from '../health/retry-after.ts';

/** Bytes of a refusal's body that are kept; a longer one is not kept at all. */
export const MAX_REFUSAL_BYTES = 65_536;
/** How long the body of a refusal is waited for before the next try, in milliseconds. */
export const REFUSAL_BODY_MS = 1_000;

/** The response of an upstream that refused a request: it is given to the client if no other upstream takes the request. */
export class KeptRefusal {
  /** The name of the upstream. */
  readonly member: string;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly statusMessage: string | undefined;
  readonly rawHeaders: string[];
  /** Of its try. */
  readonly timings: RequestTimings | undefined;
  readonly traits: StatusTraits;
  /** The span of its `retry-after`, in milliseconds; without one the longest. */
  readonly retryAfterMs: number;
  readonly chunks: Buffer[] = [];
  trailers: IncomingHttpHeaders = {};
  #bytes = 0;

  constructor({ member, status, headers, statusMessage, rawHeaders, timings, traits }: Pick<KeptRefusal, 'member' | 'status' | 'headers' | 'statusMessage' | 'rawHeaders' | 'timings' | 'traits'>) {
    this.member = member;
    this.status = status;
    this.headers = headers;
    this.statusMessage = statusMessage;
    this.rawHeaders = rawHeaders;
    this.timings = timings;
    this.traits = traits;
    const span = readRetryAfter(rawHeaders, Date.now());
    this.retryAfterMs = span > 0 ? span : Number.POSITIVE_INFINITY;
  }

  get order(): number {
    return this.traits.order;
  }

  /** What is reported of it where it is not the answer. */
  asFailure(): TryFailure {
    return { from: this.member, reason: this.traits.reason, status: this.status, rawHeaders: this.rawHeaders };
  }

  /** Keeps a chunk of its body; false where it is too long. */
  add(chunk: Buffer): boolean {
    this.#bytes += chunk.byteLength;
    if (this.#bytes > MAX_REFUSAL_BYTES) return false;
    this.chunks.push(chunk);
    return true;
  }

  /** Whether a client is helped more by this one than by another: by its status, then by the sooner `retry-after`. */
  isBetterThan(other: Pick<KeptRefusal, 'order' | 'retryAfterMs'>): boolean {
    return this.order < other.order || (this.order === other.order && this.retryAfterMs <= other.retryAfterMs);
  }
}

/** The fields of a response as a flat list of names and values, from what the client parsed or left as it was. */
export function flatHeaders(rawHeaders: UpstreamController['rawHeaders'], headers: IncomingHttpHeaders): readonly string[] {
  if (Array.isArray(rawHeaders)) return isTextList(rawHeaders) ? rawHeaders : rawHeaders.map((field) => (typeof field === 'string' ? field : field.toString('latin1')));
  return Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [value].flat().flatMap((one) => [name, one])));
}

/** Whether the client has left the fields as it read them: a list that needs no copy. */
function isTextList(fields: readonly (string | Buffer)[]): fields is readonly string[] {
  for (let index = 0; index < fields.length; index += 1) if (typeof fields[index] !== 'string') return false;
  return true;
}
