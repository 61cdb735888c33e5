import { Buffer } from 'node:buffer';
import { lookup as resolve, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import nodeTls from 'node:tls';
import { isLoopbackHost, withoutBrackets } from '../../config/loopback.ts';
import { isForbiddenAddress, isForbiddenHost } from './forbidden-address.ts';
import { gather, GuardedFetchError, type GuardedAnswer, type GuardedRequest } from './guarded-messages.ts';

/** Resolves a name to all of its addresses, as `dns.lookup` does. */
export interface ResolveName {
  (hostname: string, options: LookupAllOptions, callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void): void;
}

/**
 * Asks a machine that the configuration names, or a document of one that it names. Unencrypted only on this machine; the addresses of a name
 * are checked after resolving, and the connection goes to the ones that were checked, unless an egress proxy resolves them. Rejects with a `GuardedFetchError`.
 */
export async function guardedFetch(url: URL, request: GuardedRequest, resolveName: ResolveName = resolve): Promise<GuardedAnswer> {
  const host = withoutBrackets(url.hostname);
  const isLocal = isLoopbackHost(host);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocal)) throw new GuardedFetchError('scheme');
  if (url.username !== '' || url.password !== '') throw new GuardedFetchError('scheme');
  if (isForbiddenHost(host)) throw new GuardedFetchError('address');
  const signal = AbortSignal.timeout(request.timeoutMs);
  try {
    // This machine's own addresses would be the proxy's on the other side.
    if (request.proxy === undefined || isLocal) return await ask(url, request, { signal, lookup: guardedLookup(isLocal, resolveName) });
    const { fetchThroughProxy } = await import('./fetch-through-proxy.ts');
    return await fetchThroughProxy(url, { ...request, proxy: request.proxy }, signal);
  } catch (error) {
    if (error instanceof GuardedFetchError) throw error;
    throw new GuardedFetchError(signal.aborted ? 'timeout' : 'network', error);
  }
}

function ask(url: URL, { method = 'GET', headers = {}, body, ca, maxBytes }: GuardedRequest, bounds: Pick<RequestOptions, 'signal' | 'lookup'>): Promise<GuardedAnswer> {
  return new Promise((resolveAnswer, reject) => {
    // No agent: a connection is made for one request, to the address that was checked for it. `rejectUnauthorized` stands here so that no variable of the environment can switch it off.
    const tls = { rejectUnauthorized: true, minVersion: 'TLSv1.2' as const, ...(ca === undefined ? {} : { ca: [...nodeTls.getCACertificates('default'), ca] }) };
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const options = { method, headers: { accept: 'application/json', 'accept-encoding': 'identity', ...headers, ...length }, agent: false, ...bounds };
    const onAnswer = (answer: IncomingMessage): void => {
      gather(answer as AsyncIterable<Buffer>, maxBytes).then((whole) => resolveAnswer({ status: answer.statusCode ?? 0, headers: answer.headers, body: whole }), reject);
    };
    const outbound = url.protocol === 'https:' ? requestHttps(url, { ...options, ...tls }, onAnswer) : requestHttp(url, options, onAnswer);
    outbound.on('error', reject);
    outbound.end(body);
  });
}

/** Resolves a name, and refuses it when one of its addresses is forbidden: which of them a connection takes is chance. A name of this machine leads nowhere else: it may be asked unencrypted. */
function guardedLookup(isLocal: boolean, resolveName: ResolveName): LookupFunction {
  return (hostname, options, callback) => {
    resolveName(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) callback(error, '', 0);
      else if (addresses.some(({ address }) => isForbiddenAddress(address, isLocal) || (isLocal && !isLoopbackHost(address)))) callback(new GuardedFetchError('address'), '', 0);
      else if (options.all === true) callback(null, addresses);
      else callback(null, addresses[0]?.address ?? '', addresses[0]?.family ?? 0);
    });
  };
}
