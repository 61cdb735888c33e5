/** The parts of a parsed request head that are validated. */
export interface RequestHead {
  readonly method: string;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
}

/** The fields that validation has read, so that they need not be read again. */
export interface ValidatedHead {
  readonly host: string;
  readonly origin: string | undefined;
  /** The fetch metadata of a browser (https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header). */
  readonly secFetchSite: string | undefined;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** Bytes announced by `content-length`; `undefined` without one. */
  readonly contentLength: number | undefined;
  readonly isChunked: boolean;
  /** The client waits for `100 Continue` before it sends its body (RFC 9110 section 10.1.1). */
  readonly expectsContinue: boolean;
}

const HOST = /^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9._])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/**
 * Refuses what the HTTP parser lets through and a second parser could read differently: HTTP/0.9 and other versions, several
 * or malformed Host lines, transfer codings other than exactly `chunked`, leading zeros in a length, a body on GET or HEAD
 * (RFC 9112 sections 3.2, 6.1, 6.3). Returns the message of the 400, or what was read.
 */
export function validateRequestHead(head: RequestHead): ValidatedHead | string {
  if (head.httpVersion !== '1.1' && head.httpVersion !== '1.0') return 'The HTTP version is not supported.';
  const { rawHeaders } = head;
  let host: string | undefined;
  let origin: string | undefined;
  let contentType: string | undefined;
  let contentEncoding: string | undefined;
  let contentLength: string | undefined;
  let transferEncoding: string | undefined;
  let secFetchSite: string | undefined;
  let expect: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const value = rawHeaders[index + 1] as string;
    // The length tells most names apart before anything is lower-cased: this runs for each field of each request.
    switch (name.length) {
      case 4:
        if (name.toLowerCase() !== 'host') break;
        if (host !== undefined) return 'The Host field is repeated.';
        host = value;
        break;
      case 6:
        if (name.toLowerCase() === 'expect') {
          if (expect !== undefined) return 'The Expect field is repeated.';
          expect = value;
        }
        if (name.toLowerCase() !== 'origin') break;
        if (origin !== undefined) return 'The Origin field is repeated.';
        origin = value;
        break;
      case 12:
        if (name.toLowerCase() !== 'content-type') break;
        if (contentType !== undefined) return 'The Content-Type field is repeated.';
        contentType = value;
        break;
      case 14:
        if (name.toLowerCase() === 'sec-fetch-site') secFetchSite = value;
        if (name.toLowerCase() !== 'content-length') break;
        if (contentLength !== undefined) return 'The Content-Length field is repeated.';
        contentLength = value;
        break;
      case 16:
        if (name.toLowerCase() !== 'content-encoding') break;
        contentEncoding = contentEncoding === undefined ? value : `${contentEncoding}, ${value}`;
        break;
      case 17:
        if (name.toLowerCase() !== 'transfer-encoding') break;
        if (transferEncoding !== undefined) return 'The Transfer-Encoding field is repeated.';
        transferEncoding = value;
        break;
      default:
    }
  }
  // An expectation of HTTP/1.0 means nothing: that version has no interim responses.
  const expectsContinue = expect !== undefined && head.httpVersion === '1.1';
  if (expectsContinue && expect?.toLowerCase() !== '100-continue') return 'The expectation is not supported.';
  if (host === undefined || !HOST.test(host)) return 'The Host field is missing or malformed.';
  if (transferEncoding !== undefined && (transferEncoding.toLowerCase() !== 'chunked' || head.httpVersion === '1.0')) {
    return 'The transfer coding is not supported.';
  }
  if (transferEncoding !== undefined && contentLength !== undefined) return 'The request has two lengths.';
  if (contentLength !== undefined && !/^(?:0|[1-9]\d{0,14})$/.test(contentLength)) return 'The Content-Length field is malformed.';
  const length = contentLength === undefined ? undefined : Number(contentLength);
  const hasBody = transferEncoding !== undefined || (length !== undefined && length > 0);
  if (hasBody && (head.method === 'GET' || head.method === 'HEAD')) return `A ${head.method} request must not have a body.`;
  return { host, origin, secFetchSite, contentType, contentEncoding, contentLength: length, isChunked: transferEncoding !== undefined, expectsContinue };
}
