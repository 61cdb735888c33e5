import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { performance } from 'node:perf_hooks';

/** One part of a body and when it came, in milliseconds after the request was sent. */
export interface Arrival {
  readonly atMs: number;
  readonly bytes: Buffer;
}

/** An answer as a client sees it. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
  readonly arrivals: readonly Arrival[];
  /** Whether the connection broke before the body was complete. */
  readonly isBroken: boolean;
  readonly durationMs: number;
  /** The body read as JSON; an empty object when it is none. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** A question to ask. */
export interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly onArrival?: (arrival: Arrival) => void;
  readonly signal?: AbortSignal;
}

/** Sends one request with the platform's own `fetch`, as an application would, and keeps every byte of the answer. */
export async function ask(url: string, { method = 'POST', headers = {}, body, onArrival, signal }: Question = {}): Promise<Answer> {
  const startedAt = performance.now();
  const response = await fetch(url, {
    method, headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }), ...(signal === undefined ? {} : { signal }),
  });
  const arrivals: Arrival[] = [];
  let isBroken = false;
  try {
    for await (const chunk of response.body ?? []) {
      const arrival = { atMs: performance.now() - startedAt, bytes: Buffer.from(chunk) };
      arrivals.push(arrival);
      onArrival?.(arrival);
    }
  } catch {
    isBroken = true;
  }
  const whole = Buffer.concat(arrivals.map(({ bytes }) => bytes));
  return { status: response.status, headers: response.headers, body: whole, arrivals, isBroken, durationMs: performance.now() - startedAt, json: readJson(whole) };
}

/** The SHA-256 of some bytes, short enough to read. */
export function fingerprint(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

/** The value at a path of members and indices; undefined where there is none. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Record<string | number, unknown>)[key] : undefined), value);
}

function readJson(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return typeof value === 'object' && value !== null ? value as Record<string, unknown> : {};
  } catch {
    return {};
  }
}
