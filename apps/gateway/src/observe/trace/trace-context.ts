/** The context that a client sent (W3C Trace Context, https://www.w3.org/TR/trace-context/). */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
}

// Version 00 has four parts; a later version may have more, and its first four are read the same way (section 4.3).
const TRACEPARENT = /^(?!ff)(?:00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})|(?!00)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?)$/;
const ZEROS = /^0+$/;

/** Reads a `traceparent` value; `undefined` when it is not one, and the trace begins anew. */
export function parseTraceParent(value: string): TraceParent | undefined {
  const parts = TRACEPARENT.exec(value.trim());
  if (parts === null) return undefined;
  const [traceId = '', spanId = '', flags = ''] = parts[1] === undefined ? parts.slice(4) : parts.slice(1, 4);
  if (ZEROS.test(traceId) || ZEROS.test(spanId)) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

/** Writes a `traceparent` value of version 00. */
export function formatTraceParent({ traceId, spanId, flags }: TraceParent): string {
  return `00-${traceId}-${spanId}-${(flags & 0xff).toString(16).padStart(2, '0')}`;
}

/** Reads the client's context out of flat fields. More than one `traceparent` is none: they are ambiguous. */
export function readTraceContext(rawHeaders: readonly string[]): { readonly parent: TraceParent | undefined; readonly traceState: string | undefined } {
  const parents = valuesOf(rawHeaders, 'traceparent');
  const parent = parents.length === 1 ? parseTraceParent(parents[0] as string) : undefined;
  const states = parent === undefined ? [] : valuesOf(rawHeaders, 'tracestate');
  return { parent, traceState: states.length === 0 ? undefined : states.join(',') };
}

/**
 * Puts a span's context into flat fields in place of the one that is there. The `tracestate` of a trace that goes on stays as
 * the client wrote it; with a trace that began here it goes, for it belongs to none (section 3.3).
 */
export function replaceTraceParent(headers: string[], context: TraceParent, keepsState: boolean): void {
  let kept = 0;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = (headers[index] as string).toLowerCase();
    if (name === 'traceparent' || (name === 'tracestate' && !keepsState)) continue;
    headers[kept] = headers[index] as string;
    headers[kept + 1] = headers[index + 1] as string;
    kept += 2;
  }
  headers.length = kept;
  headers.push('traceparent', formatTraceParent(context));
}

function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.length === name.length && rawHeaders[index]?.toLowerCase() === name) values.push(rawHeaders[index + 1] as string);
  }
  return values;
}
