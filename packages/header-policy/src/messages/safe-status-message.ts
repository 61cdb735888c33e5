import { STATUS_CODES } from 'node:http';

/**
 * A reason phrase that `writeHead` takes (RFC 9112 §4, without obs-text): the upstream's own where it is printable ASCII, the empty one
 * included, else the standard phrase of the status, else the empty phrase. Any byte above 0x7e has been decoded wrongly by the time it is a string.
 */
export function safeStatusMessage(status: number, statusMessage: string): string {
  if (typeof statusMessage === 'string' && isPrintableAscii(statusMessage)) return statusMessage;
  return STATUS_CODES[status] ?? '';
}

function isPrintableAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 0x7e || (code < 0x20 && code !== 0x09)) return false;
  }
  return true;
}
