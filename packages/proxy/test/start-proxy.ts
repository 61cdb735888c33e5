import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHeaderPolicy, type HeaderRules } from '@penstock/header-policy';
import { startScriptedUpstream, type ConnectionScript, type ScriptedUpstream } from '@penstock/test-support';
import { createUpstreamClient, type UpstreamClient, type UpstreamClientOptions } from '@penstock/upstream-client';
import { onTestFinished } from 'vitest';
import { createProxyHandler, type ProxyCall, type ProxyHandler, type ProxyOptions, type ProxyOutcome, type ProxyUpstream } from '../src/index.ts';

export const RULES: HeaderRules = { allowRequest: ['accept', 'content-*', 'x-*'], denyResponse: ['x-internal'] };
export const policy = createHeaderPolicy(RULES);

/** A proxy of its own, in front of a scripted upstream. */
export interface TestProxy {
  readonly port: number;
  readonly client: UpstreamClient;
  readonly upstream: ScriptedUpstream;
  /** The outcome of each request that settled. */
  readonly outcomes: readonly ProxyOutcome[];
  /** Resolves with the outcome of a request, in order of their ends. */
  readonly outcome: (index?: number) => Promise<ProxyOutcome>;
}

export interface TestProxySetup {
  readonly client?: Partial<UpstreamClientOptions>;
  readonly options?: Partial<ProxyOptions>;
  readonly call?: ProxyCall;
  /** What stands between the handler and the client. @defaultValue nothing */
  readonly wrap?: (client: UpstreamClient) => ProxyUpstream;
  /** The server to mount the handler in. @defaultValue a plain node:http server */
  readonly listener?: (proxy: ProxyHandler) => RequestListener | Promise<Server>;
}

/** Starts upstream, client and server; all end with the test. */
export async function startProxy(script: ConnectionScript, { client: clientOptions, options, call, listener, wrap }: TestProxySetup = {}): Promise<TestProxy> {
  const upstream = await startScriptedUpstream(script);
  const client = createUpstreamClient({ origin: upstream.origin, ...clientOptions });
  const outcomes: ProxyOutcome[] = [];
  const waiting = new Set<() => void>();
  const proxy = createProxyHandler({
    upstream: wrap?.(client) ?? client, policy, ...options,
    hooks: { ...options?.hooks, onSettled(outcome) { outcomes.push(outcome); for (const wake of waiting) wake(); options?.hooks?.onSettled?.(outcome); } },
  });
  const made = listener?.(proxy) ?? ((request, response) => { void proxy(request, response, call); });
  const server = typeof made === 'function' ? createServer(made) : await made;
  if (!server.listening) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await client.destroy();
    await upstream.close();
  });
  return {
    port: (server.address() as AddressInfo).port, client, upstream, outcomes,
    async outcome(index = 0) {
      while (outcomes.length <= index) await new Promise<void>((resolve) => { waiting.add(resolve); });
      return outcomes[index] as ProxyOutcome;
    },
  };
}

export const STREAM_HEAD = 'HTTP/1.1 200 Fine\r\nContent-Type: text/event-stream\r\nX-Internal: secret\r\nTransfer-Encoding: chunked\r\n\r\n';

/** One chunk of a chunked body. */
export function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}
