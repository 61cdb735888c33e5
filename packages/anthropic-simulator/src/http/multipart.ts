/** One part of a `multipart/form-data` body (RFC 7578). */
export interface FormPart {
  readonly name: string;
  /** Absent for a part that is no file. May hold a path. */
  readonly filename: string | undefined;
  readonly contentType: string | undefined;
  readonly bytes: Uint8Array;
}

/** Reads a multipart body; `undefined` when it does not hold to the boundary that its content type names. */
export function readMultipart(body: Uint8Array, contentType: string | undefined): readonly FormPart[] | undefined {
  const boundary = /^multipart\/form-data\b.*;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType ?? '');
  const name = boundary?.[1] ?? boundary?.[2];
  if (name === undefined) return undefined;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const delimiter = Buffer.from(`--${name}`, 'latin1');
  const parts: FormPart[] = [];
  let offset = bytes.indexOf(delimiter);
  if (offset === -1) return undefined;
  for (;;) {
    offset += delimiter.length;
    if (bytes.toString('latin1', offset, offset + 2) === '--') return parts;
    const next = bytes.indexOf(Buffer.concat([Buffer.from('\r\n'), delimiter]), offset);
    const headEnd = bytes.indexOf('\r\n\r\n', offset);
    if (next === -1 || headEnd === -1 || headEnd > next) return undefined;
    const part = readPart(bytes.toString('utf8', offset, headEnd), bytes.subarray(headEnd + 4, next));
    if (part === undefined) return undefined;
    parts.push(part);
    offset = next + 2;
  }
}

function readPart(head: string, bytes: Uint8Array): FormPart | undefined {
  const disposition = /^content-disposition:\s*form-data\s*;(.*)$/im.exec(head)?.[1] ?? '';
  const name = parameterOf(disposition, 'name');
  if (name === undefined) return undefined;
  return { name, filename: parameterOf(disposition, 'filename'), contentType: /^content-type:\s*(.*?)\s*$/im.exec(head)?.[1], bytes };
}

/** Form data escapes a quote and a line end by percent-encoding and nothing else. */
function parameterOf(disposition: string, name: string): string | undefined {
  const value = new RegExp(`(?:^|;)\\s*${name}="([^"]*)"`, 'i').exec(disposition)?.[1];
  return value?.replaceAll('%22', '"').replaceAll('%0D', '\r').replaceAll('%0A', '\n');
}
