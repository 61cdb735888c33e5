import { request } from 'node:http';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { SendToBackend } from '../../src/index.ts';

/** A backend port on node:http, as small as one can be; the credential is added here, as an application does. */
export function httpBackend(origin: string, credential: readonly string[] = ['x-api-key', 'test-key']): SendToBackend {
  return async ({ method, path, headers, body }, signal) => {
    const framing = body instanceof Uint8Array ? ['content-length', String(body.length)] : [];
    const outbound = request(`${origin}${path}`, { method, headers: [...headers, ...credential, ...framing, 'host', new URL(origin).host] });
    let response: IncomingMessage | undefined;
    // Not request({ signal }): a whole answer gives its connection back to the agent, and on Node 22 the error of an abort would be emitted
    // in the turn in which the connection has no error listener, and end the process.
    const onAbort = (): void => { outbound.destroy(response?.complete === true ? undefined : signal.reason as Error); };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    if (body === null) outbound.end();
    else if (body instanceof Uint8Array) outbound.end(body);
    else Readable.from(body).on('error', (error) => { outbound.destroy(error); }).pipe(outbound);
    [response] = await once(outbound, 'response') as [IncomingMessage];
    // From here on, failures are errors of the body.
    outbound.on('error', () => undefined);
    return { status: response.statusCode ?? 0, rawHeaders: response.rawHeaders, body: response };
  };
}
