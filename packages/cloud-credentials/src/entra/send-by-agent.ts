import { request as requestPlain, type IncomingMessage } from 'node:http';
import { request as requestSecure, type Agent } from 'node:https';
import { Readable } from 'node:stream';
import { CloudCredentialError } from '../cloud-credential-error.ts';
import type { SendTokenRequest, TokenRequestInit } from './send-token-request.ts';

/** Sends token requests by TLS through an agent, and plain ones, which go to metadata servers, directly. A redirect is an error. */
export function sendByAgent(agent: Agent): SendTokenRequest {
  return async (url, init) => {
    const message = await send(new URL(url), init, agent);
    const { statusCode: status = 0 } = message;
    if (status >= 300 && status < 400) {
      message.destroy();
      throw new CloudCredentialError('unavailable', 'the token server answered with a redirect');
    }
    return new Response(Readable.toWeb(message) as ReadableStream<Uint8Array>, { status });
  };
}

function send(url: URL, { method, headers, body, signal }: TokenRequestInit, agent: Agent): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = { method, headers, signal };
  const outbound = url.protocol === 'https:' ? requestSecure(url, { ...options, agent }, resolve) : requestPlain(url, options, resolve);
  outbound.on('error', reject).end(body ?? undefined);
  return promise;
}
