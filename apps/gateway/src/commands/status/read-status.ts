import { STATUS_VERSION, type Status } from '../../observe/status/status.ts';
import { readJsonAnswer } from '../read-json-answer.ts';
import type { OperationsAddress } from './find-operations.ts';

/** Milliseconds in which a gateway must answer. */
const ANSWER_TIMEOUT_MS = 5_000;
/** Bytes of an answer that are read at most: five times what 500 requests need. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** A status that could not be read; the message names the place and the remedy. */
export class StatusUnreadable extends Error {
  override readonly name = 'StatusUnreadable';
}

/** Reads the status of a gateway once. Rejects with `StatusUnreadable`. */
export async function readStatus({ origin, token }: OperationsAddress, query = ''): Promise<Status> {
  const url = `${origin}/status.json${query}`;
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const { status, document, reason } = await readJsonAnswer({
    url, headers, timeoutMs: ANSWER_TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES, subject: 'status', unreadable: (message, options) => new StatusUnreadable(message, options),
  });
  if (status === 401) throw new StatusUnreadable(`${origin} needs its token: set PENSTOCK_OPERATIONS_TOKEN to operations.token.`);
  if (status === 404) throw new StatusUnreadable(`${origin} has no /status.json: is it the operations listener, and is operations.page on?`);
  if (status !== 200) throw new StatusUnreadable(`${origin} answered ${status}: ${reason}`);
  if ((document as Partial<Status> | undefined)?.version !== STATUS_VERSION) throw new StatusUnreadable(`${origin} answered a document that is no status of version ${STATUS_VERSION}.`);
  return document as Status;
}
