import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One span as a collector gets it, with its attributes as plain values. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  /** 2 is a server's, 3 a client's. */
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status: { readonly code?: number };
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
}

/** What one export looked like. */
export interface CollectedExport {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A collector that speaks OTLP over HTTP. */
export interface Collector {
  readonly origin: string;
  readonly spans: readonly CollectedSpan[];
  readonly exports: readonly CollectedExport[];
  /** Resolves when `count` spans have come. */
  received(count: number): Promise<readonly CollectedSpan[]>;
  close(): Promise<void>;
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly (Omit<CollectedSpan, 'attributes' | 'resource'> & { readonly attributes: readonly OtlpAttribute[] })[] }[];
  }[];
}

/** Starts a collector; with a `status` other than 200 it refuses every export, and `silent` never answers. */
export async function startCollector(behaviour: { readonly status?: number; readonly silent?: boolean } = {}): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const exports: CollectedExport[] = [];
  const waiters = new Set<() => void>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      exports.push({ path: request.url ?? '', headers: request.headers, body });
      if (request.headers['content-type'] === 'application/json') spans.push(...readSpans(JSON.parse(body.toString()) as OtlpRequest));
      for (const waiter of waiters) waiter();
      if (behaviour.silent === true) return;
      response.writeHead(behaviour.status ?? 200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans, exports,
    received: (count) => new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`waited for ${count} spans, ${spans.length} came`)), 10_000);
      const check = (): void => {
        if (spans.length < count) return;
        clearTimeout(timer);
        waiters.delete(check);
        resolve(spans);
      };
      waiters.add(check);
      check();
    }),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function readSpans({ resourceSpans }: OtlpRequest): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans.map((span) => ({
    ...span, attributes: plainAttributes(span.attributes), resource: plainAttributes(resource.attributes),
  }))));
}

function plainAttributes(attributes: readonly OtlpAttribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]));
}

function plainValue(value: Readonly<Record<string, unknown>>): unknown {
  const [kind, content] = Object.entries(value)[0] ?? [];
  if (kind === 'arrayValue') return (content as { values: Record<string, unknown>[] }).values.map(plainValue);
  return kind === 'intValue' ? Number(content) : content;
}
