import { lookup } from 'node:dns';
import { rootCertificates } from 'node:tls';
import { Agent, fetch as undiciFetch, Pool, ProxyAgent, type BodyInit } from 'undici';
import { ClaudeCodeGatewayError } from '../claude-code-gateway-error.ts';
import { checkOutboundUrl, createGuardedLookup, isLoopbackHost, type ResolveName } from './refused-addresses.ts';

/** The limits of a guarded fetch. */
export interface GuardedFetchOptions {
  /** Whether this machine may be asked, by `http:` or `https:`: the configuration names it. */
  readonly allowsLoopback: boolean;
  /** From the call to the last byte of the answer. @defaultValue 10,000 */
  readonly timeoutMs?: number;
  /** A longer answer is an error. @defaultValue 256 KiB */
  readonly maxAnswerBytes?: number;
  /** A private authority in PEM, trusted beside the public ones. */
  readonly ca?: string;
  /**
   * An egress proxy, through which a tunnel is opened to every machine but this one (`http:` or `https:`, user info as `Proxy-Authorization`). It
   * resolves names itself: to which address a name leads is then its decision.
   */
  readonly proxy?: string;
}

/** One request of the gateway to a provider or a collector. */
export interface GuardedRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: BodyInit;
  readonly signal?: AbortSignal;
}

/** A `fetch` for addresses that a configuration names. */
export interface GuardedFetch {
  (url: string, request: GuardedRequest): Promise<Response>;
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_MAX_ANSWER_BYTES = 256 * 1024;
const CONNECTIONS = 16;
const NULL_BODY_STATUSES = [101, 204, 205, 304];

/**
 * A `fetch` that follows no redirect, connects to no link-local or metadata address, nor to this machine by a name that is none of its own, verifies TLS, and reads an answer whole within a time and a
 * size. Through a proxy all of this holds but for the addresses of names.
 */
export function createGuardedFetch({ allowsLoopback, timeoutMs = DEFAULT_TIMEOUT_MS, maxAnswerBytes = DEFAULT_MAX_ANSWER_BYTES, ca, proxy }: GuardedFetchOptions, resolveName: ResolveName = lookup): GuardedFetch {
  const limits = { connections: CONNECTIONS, connectTimeout: timeoutMs, headersTimeout: timeoutMs, bodyTimeout: timeoutMs, maxResponseSize: maxAnswerBytes };
  const tls = { rejectUnauthorized: true, ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) };
  const agent = new Agent({ ...limits, connect: { lookup: createGuardedLookup(resolveName), ...tls } });
  const tunnels = proxy === undefined ? undefined : new ProxyAgent({
    ...limits, uri: proxy, requestTls: tls, proxyTls: tls,
    // A proxy that does not answer would hold the connections of its origin for five minutes.
    clientFactory: (origin, options) => new Pool(origin, { ...options, headersTimeout: timeoutMs }),
  });
  const guarded = async (url: string, { method, headers, body, signal }: GuardedRequest): Promise<Response> => {
    const target = new URL(url);
    checkOutboundUrl(target, allowsLoopback);
    const deadline = AbortSignal.timeout(timeoutMs);
    const answer = await undiciFetch(url, {
      // This machine's own addresses would be the proxy's on the other side.
      dispatcher: tunnels === undefined || isLoopbackHost(target) ? agent : tunnels, method, redirect: 'manual', signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      // An answer whose size is counted as it is sent.
      headers: { ...headers, 'accept-encoding': 'identity' }, ...(body === undefined ? {} : { body }),
    });
    const bytes = await answer.arrayBuffer();
    if (answer.status >= 300 && answer.status < 400) throw new ClaudeCodeGatewayError('redirect_refused', `${target.origin} answered with a redirect`);
    const fields = [...answer.headers].map(([name, value]): [string, string] => [name, value]);
    return new Response(NULL_BODY_STATUSES.includes(answer.status) ? null : bytes, { status: answer.status, headers: fields });
  };
  return Object.assign(guarded, { close: async () => { await Promise.all([agent.destroy(), tunnels?.destroy()]); } });
}
