import { describeError } from '../observe/log/describe-error.ts';
import { printable } from '../observe/log/printable.ts';

/** An answer of a server that may be any: its document is not trusted. */
export interface JsonAnswer {
  readonly status: number;
  /** `undefined` where it is no JSON. */
  readonly document: unknown;
  /** The reason that a refusal gives, on one line and without what could steer a terminal. */
  readonly reason: string;
}

/** How a command asks its operations listener. */
export interface JsonQuestion {
  readonly url: string | URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** What the answer is called in messages, such as `status`. */
  readonly subject: string;
  /** Makes the error of the command. */
  readonly unreadable: (message: string, options?: ErrorOptions) => Error;
}

/** Characters of the reason of a refusal that are shown at most. */
const MAX_REASON_LENGTH = 500;

/** Asks the operations listener. Throws what `unreadable` makes, where there is no answer or one that is too large. */
export async function readJsonAnswer(question: JsonQuestion): Promise<JsonAnswer> {
  const { url, headers, timeoutMs, unreadable } = question;
  let response: Response;
  let text: string | undefined;
  try {
    response = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    text = await readText(response, question.maxBytes);
  } catch (cause) {
    throw unreadable(`${new URL(url).origin} does not answer (${lastCode(cause)}). Is the gateway running, and is this its operations listener (operations.host, operations.port)?`, { cause });
  }
  if (text === undefined) throw unreadable(`The answer is larger than any ${question.subject}.`);
  const document = parse(text);
  return { status: response.status, document, reason: reasonOf(document) };
}

async function readText(response: Response, maxBytes: number): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += (chunk as Uint8Array).byteLength;
    if (bytes > maxBytes) return undefined;
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
