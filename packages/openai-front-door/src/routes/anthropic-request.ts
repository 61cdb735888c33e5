import type { AnthropicBackend, BackendRequest, ResponseKind } from '../backend.ts';
import type { Context } from 'koa';

/** The `anthropic-version` that the front door's translation was written for. */
export const DEFAULT_ANTHROPIC_VERSION = '2023-06-01';

/** Trace context is the client's and goes along; nothing else of its header does. */
const CARRIED_FIELDS = ['traceparent', 'tracestate'] as const;

/** The version that requests to a backend name. */
export function versionOf(backend: AnthropicBackend): string {
  return backend.anthropicVersion ?? DEFAULT_ANTHROPIC_VERSION;
}

/** One request to an Anthropic backend: its header is made here, but for the credential. */
export function anthropicRequest(ctx: Context, backend: AnthropicBackend, request: { readonly method: string; readonly path: string; readonly body: Uint8Array | null; readonly responseKind: ResponseKind; readonly betas?: readonly string[] }): BackendRequest {
  const headers = [
    'accept', request.responseKind === 'event-stream' ? 'text/event-stream' : 'application/json',
    // Every body is read here, so the upstream is asked for plain bytes.
    'accept-encoding', 'identity',
    'anthropic-version', versionOf(backend),
  ];
  if (request.betas !== undefined && request.betas.length > 0) headers.push('anthropic-beta', request.betas.join(','));
  if (request.body !== null) headers.push('content-type', 'application/json');
  for (const name of CARRIED_FIELDS) {
    const value = ctx.req.headers[name];
    if (typeof value === 'string') headers.push(name, value);
  }
  return { method: request.method, path: request.path, headers, body: request.body, responseKind: request.responseKind };
}
