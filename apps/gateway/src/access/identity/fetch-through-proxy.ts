import type { Buffer } from 'node:buffer';
import nodeTls from 'node:tls';
import { fetch as undiciFetch, ProxyAgent } from 'undici';
import { gather, type GuardedAnswer, type GuardedRequest } from './guarded-messages.ts';

/**
 * Asks a machine through a tunnel that an egress proxy opens (CONNECT, RFC 9110 section 9.3.6). TLS is verified from here to the machine itself:
 * the proxy sees its name and encrypted bytes.
 */
export async function fetchThroughProxy(url: URL, { method = 'GET', headers = {}, body, ca, proxy, maxBytes }: GuardedRequest & { readonly proxy: string }, signal: AbortSignal): Promise<GuardedAnswer> {
  // Stands here so that no variable of the environment can switch it off.
  const tls = { rejectUnauthorized: true, minVersion: 'TLSv1.2' as const, ...(ca === undefined ? {} : { ca: [...nodeTls.getCACertificates('default'), ca] }) };
  // A tunnel is for one request, as a direct connection is, and the signal is its only clock. `fetch` ends with it while the tunnel is still being opened.
  const tunnel = new ProxyAgent({ uri: proxy, requestTls: tls, proxyTls: tls, connections: 1, connectTimeout: 0, headersTimeout: 0, bodyTimeout: 0 });
  try {
    const answer = await undiciFetch(url, {
      dispatcher: tunnel, method, redirect: 'manual', headers: { accept: 'application/json', 'accept-encoding': 'identity', ...headers }, signal, ...(body === undefined ? {} : { body }),
    });
    const chunks = (answer.body ?? []) as AsyncIterable<Buffer>;
    return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await gather(chunks, maxBytes) };
  } finally {
    await tunnel.destroy();
  }
}
