import { request } from 'node:http';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { SendToBackend } from '../../src/index.ts';

/** A backend port on node:http, as small as one can be; the credential is added here, as an application does. */
export function httpBackend(origin: string, credential: readonly string[] = ['x-api-key', 'test-key']): SendToBackend {
  return async ({ method, path, headers, body }, signal) => {
    const framing = body instanceof Uint8Array ? ['content-length', String(body.length)] : [];
    const outbound = request(`${origin}${path}`, { method, signal, headers: [...headers, ...credential, ...framing, 'host', new URL(origin).host] });
    if (body === null) outbound.end();
    else if (body instanceof Uint8Array) outbound.end(body);
    else Readable.from(body).pipe(outbound);
    const [response] = await once(outbound, 'response') as [IncomingMessage];
    return { status: response.statusCode ?? 0, rawHeaders: response.rawHeaders, body: response };
  };
}
