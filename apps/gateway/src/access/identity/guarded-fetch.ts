import { Buffer } from 'node:buffer';
import { lookup as resolve, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { request as requestHttp, type IncomingHttpHeaders, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { getCACertificates } from 'node:tls';
import { isLoopbackHost, withoutBrackets } from '../../config/loopback.ts';
import { isForbiddenAddress } from './forbidden-address.ts';

/** What is asked of another machine, and within which bounds. */
export interface GuardedRequest {
  /** @defaultValue 'GET' */
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Authorities to trust beside the usual ones, as PEM. */
  readonly ca?: string | undefined;
  /** Milliseconds for everything: resolving, connecting, the whole answer. */
  readonly timeoutMs: number;
  /** Bytes of the answer's body at most. */
  readonly maxBytes: number;
}

/** An answer, whole. A redirect is an answer like any other and is never followed. */
export interface GuardedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Resolves a name to all of its addresses, as `dns.lookup` does. */
export interface ResolveName {
  (hostname: string, options: LookupAllOptions, callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void): void;
}

/** Why there is no answer: `address` for one that is refused, `network` with the system's code for the rest. */
export type FetchFailure = 'scheme' | 'address' | 'timeout' | 'too_large' | 'network';

/** No answer came, or one that is not taken. */
export class GuardedFetchError extends Error {
  override readonly name = 'GuardedFetchError';
  readonly failure: FetchFailure;

  constructor(failure: FetchFailure, cause?: unknown) {
    super(`the request failed (${failure})`, cause === undefined ? undefined : { cause });
    this.failure = failure;
  }
}

/**
 * Asks a machine that the configuration names, or a document of one that it names. Unencrypted only on this machine; the addresses of a name
 * are checked after resolving, and the connection goes to the ones that were checked. Rejects with a `GuardedFetchError`.
 */
export async function guardedFetch(url: URL, request: GuardedRequest, resolveName: ResolveName = resolve): Promise<GuardedAnswer> {
  const host = withoutBrackets(url.hostname);
  const isLocal = isLoopbackHost(host);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocal)) throw new GuardedFetchError('scheme');
  if (url.username !== '' || url.password !== '') throw new GuardedFetchError('scheme');
  // A literal address is connected to without being looked up.
  if (isIP(host) !== 0 && isForbiddenAddress(host, isLocal)) throw new GuardedFetchError('address');
  const signal = AbortSignal.timeout(request.timeoutMs);
  try {
    return await ask(url, request, { signal, lookup: guardedLookup(isLocal, resolveName) });
  } catch (error) {
    if (error instanceof GuardedFetchError) throw error;
    throw new GuardedFetchError(signal.aborted ? 'timeout' : 'network', error);
  }
}

function ask(url: URL, { method = 'GET', headers = {}, body, ca, maxBytes }: GuardedRequest, bounds: Pick<RequestOptions, 'signal' | 'lookup'>): Promise<GuardedAnswer> {
  return new Promise((resolveAnswer, reject) => {
    // No agent: a connection is made for one request, to the address that was checked for it. `rejectUnauthorized` stands here so that no variable of the environment can switch it off.
    const tls = { rejectUnauthorized: true, minVersion: 'TLSv1.2' as const, ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }) };
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const options = { method, headers: { accept: 'application/json', 'accept-encoding': 'identity', ...headers, ...length }, agent: false, ...bounds };
    const onAnswer = (answer: IncomingMessage): void => {
      gather(answer, maxBytes).then((whole) => resolveAnswer({ status: answer.statusCode ?? 0, headers: answer.headers, body: whole }), reject);
    };
    const outbound = url.protocol === 'https:' ? requestHttps(url, { ...options, ...tls }, onAnswer) : requestHttp(url, options, onAnswer);
    outbound.on('error', reject);
    outbound.end(body);
  });
}

async function gather(answer: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    // Leaving the loop destroys the answer and its connection.
    if (length > maxBytes) throw new GuardedFetchError('too_large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Resolves a name, and refuses it when one of its addresses is forbidden: which of them a connection takes is chance. */
function guardedLookup(mayBeLoopback: boolean, resolveName: ResolveName): LookupFunction {
  return (hostname, options, callback) => {
    resolveName(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) callback(error, '', 0);
      else if (addresses.some(({ address }) => isForbiddenAddress(address, mayBeLoopback))) callback(new GuardedFetchError('address'), '', 0);
      else if (options.all === true) callback(null, addresses);
      else callback(null, addresses[0]?.address ?? '', addresses[0]?.family ?? 0);
    });
  };
}
