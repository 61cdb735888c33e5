import type { IncomingMessage } from 'node:http';
import { InboundConnection } from './inbound-connection.ts';
import { validateRequestHead, type ValidatedHead } from './validate-request-head.ts';
import { validateTarget, type TargetOptions } from './validate-target.ts';

/** A request whose head has one meaning, or why it is refused: the message of a 400. */
export type ValidatedRequest =
  | { readonly ok: true; readonly head: ValidatedHead; readonly path: string; readonly query: string }
  | { readonly ok: false; readonly message: string };

/** Refuses a pipelined request, an ambiguous head (`validateRequestHead`) and an ambiguous target (`validateTarget`), in this order. */
export function validateRequest(request: IncomingMessage, options?: TargetOptions): ValidatedRequest {
  if (InboundConnection.of(request.socket)?.isPipelined === true) return { ok: false, message: 'The request came before the previous one on its connection was answered.' };
  const head = validateRequestHead({ method: request.method ?? '', httpVersion: request.httpVersion, rawHeaders: request.rawHeaders });
  if (typeof head === 'string') return { ok: false, message: head };
  const target = validateTarget(request.url ?? '', options);
  return target.ok ? { ok: true, head, path: target.path, query: target.query } : target;
}
