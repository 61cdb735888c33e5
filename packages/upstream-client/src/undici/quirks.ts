import type { Dispatcher } from 'undici';

// Every word and habit of undici's that this package relies on and that undici does not document. `test/undici-quirks.test.ts` shows each with
// the real undici, so that another version cannot change one unnoticed.

/** undici reports these codes when the request as it was given cannot be sent. */
export const REQUEST_DEFECT_CODES: ReadonlySet<string> = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED', 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH']);

/** Codes of errors that mean a malformed response. */
const MALFORMED_CODES: ReadonlySet<string> = new Set(['ERR_ASSERTION', 'UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH']);

/** Messages of undici's `SocketError` that mean bytes which are not a response, rather than a lost connection. */
const MALFORMED_MESSAGES: ReadonlySet<string> = new Set(['bad response', 'bad upgrade']);

/** Whether undici closed an idle connection because its keep-alive time was over. */
export function isIdleExpiry(error: Error): boolean {
  return error.message === 'socket idle timeout';
}

/** Whether undici closed a connection because the response did not allow to keep it, or came before the request was sent. */
export function isNotKeptAlive(error: Error): boolean {
  return error.message === 'reset';
}

/** Whether an idle connection received bytes. */
export function isUnsolicited(error: Error): boolean {
  return error.message === 'bad response' || isParserError(error);
}

/** Whether undici could not take what it read for the response. `code` is the error's code, empty without one. */
export function isMalformedResponse(error: Error, code: string): boolean {
  return isParserError(error) || MALFORMED_CODES.has(code) || (code === 'UND_ERR_SOCKET' && MALFORMED_MESSAGES.has(error.message));
}

/** A parser error has no `code`, only a name. */
function isParserError(error: Error): boolean {
  return error.name === 'HTTPParserError';
}

/** The reason in brackets at the end of a parser error's message. It names the rule that was broken, and has no byte of the upstream's. */
export function parserReason(error: Error): string | undefined {
  return isParserError(error) ? /\(([^()]*)\)$/.exec(error.message)?.[1] : undefined;
}

/** undici delivers an empty chunk after a pause. It is not progress. */
export function isPauseArtefact(chunk: Uint8Array): boolean {
  return chunk.byteLength === 0;
}

/** undici reads `servername`; its declared type lacks it. */
export interface NamedDispatchOptions extends Dispatcher.DispatchOptions {
  readonly servername: string;
}

/** undici calls a method of this name on every body that has one, so no body class of ours may have one. */
export const METHOD_CALLED_ON_BODIES = 'read';
