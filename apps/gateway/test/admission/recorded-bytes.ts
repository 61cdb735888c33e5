import { fieldValues, parseMessage, type ScriptedUpstream, type WireMessage } from '@penstock/test-support';

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const REQUEST_LINE = /^(?:GET|POST|PUT|PATCH|DELETE) \/[\x21-\x7e]* HTTP\/1\.1$/;

/** Everything an upstream received, read again from the raw bytes of each connection: whole requests, and incomplete rests. */
export function readRecordedBytes(upstream: ScriptedUpstream): { readonly requests: WireMessage[]; readonly rests: Buffer[] } {
  const requests: WireMessage[] = [];
  const rests: Buffer[] = [];
  for (const connection of upstream.connections) {
    let bytes = connection.received();
    while (bytes.length > 0) {
      const message = parseMessage(bytes, { kind: 'request' });
      if (message === undefined || !message.complete) {
        rests.push(bytes);
        break;
      }
      requests.push(message);
      bytes = bytes.subarray(message.bytes.length);
    }
  }
  return { requests, rests };
}

/** What is wrong with the framing of an outbound request, by the strictest reading of RFC 9112; empty when nothing is. */
export function framingProblems(message: WireMessage): string[] {
  const problems: string[] = [];
  const head = message.bytes.toString('latin1', 0, message.bytes.indexOf('\r\n\r\n') + 2);
  if (!REQUEST_LINE.test(message.startLine)) problems.push(`request line ${JSON.stringify(message.startLine)}`);
  if (/\r(?!\n)|[^\r]\n|\0/.test(head)) problems.push('bare CR, LF or NUL in the head');
  if (/\r\n[ \t]/.test(head)) problems.push('a folded field');
  for (let index = 0; index < message.rawHeaders.length; index += 2) {
    if (!TOKEN.test(message.rawHeaders[index] as string)) problems.push(`field name ${JSON.stringify(message.rawHeaders[index])}`);
  }
  const lengths = fieldValues(message.rawHeaders, 'content-length');
  const codings = fieldValues(message.rawHeaders, 'transfer-encoding');
  if (lengths.length + codings.length > 1) problems.push('more than one framing field');
  if (lengths.some((length) => !/^(?:0|[1-9]\d*)$/.test(length))) problems.push(`content-length ${lengths.join()}`);
  if (codings.some((coding) => coding !== 'chunked')) problems.push(`transfer-encoding ${codings.join()}`);
  if (message.rawTrailers.length > 0) problems.push('trailers');
  for (const name of ['host', 'connection', 'via', 'anthropic-version', 'x-api-key']) {
    const count = fieldValues(message.rawHeaders, name).length;
    if (count !== 1) problems.push(`${count} fields named ${name}`);
  }
  return problems;
}
