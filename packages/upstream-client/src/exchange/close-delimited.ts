import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { BodyCheck, CreateBodyCheck } from '../options.ts';
import { watchTlsEnd, type TlsEnd } from '../node/close-notify.ts';

/**
 * A response body that only the end of its connection delimits (RFC 9112 section 6.3): a cut looks like its end. Over TLS the peer must have
 * ended it itself (section 9.8), and where the application can tell whether a body is whole, it must be.
 */
export class CloseDelimitedBody {
  private readonly end: TlsEnd | undefined;
  private readonly check: BodyCheck | undefined;

  constructor(socket: Socket | undefined, rawHeaders: readonly string[], createCheck: CreateBodyCheck | undefined) {
    this.end = socket instanceof TLSSocket ? watchTlsEnd(socket) : undefined;
    this.check = createCheck?.(rawHeaders);
  }

  update(chunk: Uint8Array): void {
    this.check?.update(chunk);
  }

  /** Why the body that ended is not whole; `undefined` when nothing says so. */
  defect(): string | undefined {
    this.stop();
    if (this.end?.isAuthentic === false) return 'no close_notify';
    return this.check?.isWhole() === false ? 'the body is not whole' : undefined;
  }

  stop(): void {
    this.end?.stop();
  }
}

/** Whether a final HTTP/1.1 response says nothing of where its body ends. HTTP/2, whose fields are no list, ends each body itself. */
export function isCloseDelimited(method: string, status: number, headers: Readonly<Record<string, unknown>>, rawHeaders: unknown): boolean {
  if (!Array.isArray(rawHeaders) || method === 'HEAD' || status === 204 || status === 304) return false;
  if (typeof rawHeaders[0] !== 'string') return headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if ((name.length === 14 && name.toLowerCase() === 'content-length') || (name.length === 17 && name.toLowerCase() === 'transfer-encoding')) return false;
  }
  return true;
}
