import { printable } from '../../observe/log/printable.ts';
import { describeError } from '../../observe/log/describe-error.ts';
import { STATUS_VERSION, type Status } from '../../observe/status/status.ts';
import type { OperationsAddress } from './find-operations.ts';

/** Milliseconds in which a gateway must answer. */
const ANSWER_TIMEOUT_MS = 5_000;
/** Bytes of an answer that are read at most: five times what 500 requests need. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/** Characters of the reason of a refusal that are shown at most. */
const MAX_REASON_LENGTH = 500;

/** A status that could not be read; the message names the place and the remedy. */
export class StatusUnreadable extends Error {
  override readonly name = 'StatusUnreadable';
}

/** Reads the status of a gateway once. Rejects with `StatusUnreadable`. */
export async function readStatus({ origin, token }: OperationsAddress, query = ''): Promise<Status> {
  const url = `${origin}/status.json${query}`;
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    text = await readText(response);
  } catch (error) {
    if (error instanceof StatusUnreadable) throw error;
    throw new StatusUnreadable(`${origin} does not answer (${lastCode(error)}). Is the gateway running, and is this its operations listener (operations.host, operations.port)?`, { cause: error });
  }
  if (response.status === 401) throw new StatusUnreadable(`${origin} needs its token: set PENSTOCK_OPERATIONS_TOKEN to operations.token.`);
  if (response.status === 404) throw new StatusUnreadable(`${origin} has no /status.json: is it the operations listener, and is operations.page on?`);
  const document = parse(text);
  if (response.status !== 200) throw new StatusUnreadable(`${origin} answered ${response.status}: ${reasonOf(document)}`);
  if ((document as Partial<Status> | undefined)?.version !== STATUS_VERSION) throw new StatusUnreadable(`${origin} answered a document that is no status of version ${STATUS_VERSION}.`);
  return document as Status;
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += (chunk as Uint8Array).byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new StatusUnreadable('The answer is larger than any status.');
    text += decoder.decode(chunk as Uint8Array, { stream: true });
  }
  return text + decoder.decode();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The reason that a refusal gives, on one line and without what could steer a terminal: the answer may be of any server. */
function reasonOf(document: unknown): string {
  const message: unknown = (document as { error?: { message?: unknown } | null } | null | undefined)?.error?.message;
  if (typeof message !== 'string') return 'no reason';
  const reason = printable(message.slice(0, MAX_REASON_LENGTH)).replaceAll(/[\t\n]/g, ' ');
  return message.length > MAX_REASON_LENGTH ? `${reason}…` : reason;
}

/** The innermost code: `fetch` wraps the error of the connection. */
function lastCode(error: unknown): string {
  let description = describeError(error);
  while (description.cause !== undefined) description = description.cause;
  return description.code ?? description.name;
}
