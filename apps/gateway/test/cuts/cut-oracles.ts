import type Anthropic from '@anthropic-ai/sdk';
import { openRawConnection, readEvents, type Recording } from '@penstock/test-support';
import { boundaries, CUT_FIELD, cutValue, wholeAt, type CutKind } from './cutting-upstream.ts';

/** One cut stream. */
export interface Cut {
  readonly recording: Recording;
  readonly offset: number;
  readonly kind: CutKind;
}

const QUESTION = { model: 'claude-haiku-4-5', max_tokens: 100, messages: [{ role: 'user' as const, content: 'hi' }] };
const TIME_LIMIT_MS = 20_000;

/** Reads a cut stream by the letter. Returns what is wrong, or `undefined`. An `error` event may be added only with `broken_streams: "event"`. */
export async function checkStrictly(port: number, { recording, offset, kind }: Cut, mode: 'connection' | 'event' = 'connection'): Promise<string | undefined> {
  const body = JSON.stringify({ ...QUESTION, stream: true });
  const connection = await openRawConnection(port);
  connection.send(`POST /anthropic/v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n${CUT_FIELD}: ${cutValue(recording, offset, kind)}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  try {
    const response = await connection.readMessage({ kind: 'response' }, TIME_LIMIT_MS);
    const sent = recording.body.subarray(0, offset);
    // A reset may overtake bytes on their way; what arrived must still be a prefix.
    const arrived = kind === 'reset' ? response.body.subarray(0, commonLength(response.body, sent)) : sent;
    if (!response.body.subarray(0, arrived.length).equals(arrived)) return 'the bytes before the cut were changed';
    const added = response.body.subarray(arrived.length).toString();
    if (added !== '' && mode === 'connection') return `bytes were added: ${JSON.stringify(added)}`;
    if (added !== '' && !/^event: error\ndata: \{.*\}\n\n$/.test(added)) return `bytes were added: ${JSON.stringify(added)}`;
    if (response.complete && added === '') return 'the broken stream ended cleanly';
    const whole = readEvents(sent).events;
    const events = readEvents(validPrefix(response.body)).events.filter(({ event, data }) => !(event === 'error' && added.includes(data)));
    if (JSON.stringify(events) !== JSON.stringify(whole.slice(0, events.length))) return 'an event was changed';
    return undefined;
  } finally {
    connection.close();
  }
}

/** The longest prefix that is valid UTF-8: a cut may fall inside a character, which a reader of a broken stream never dispatches. */
function validPrefix(bytes: Buffer): Buffer {
  const end = bytes.lastIndexOf('\n\n');
  return end === -1 ? Buffer.alloc(0) : bytes.subarray(0, end + 2);
}

function commonLength(left: Buffer, right: Buffer): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) if (left[index] !== right[index]) return index;
  return length;
}

/** What an official client made of a cut stream, as the error of a rule it broke, or `undefined`. */
export async function checkIterator(client: Anthropic, cut: Cut): Promise<string | undefined> {
  return judge(cut, async () => {
    const stream = await client.messages.create({ ...QUESTION, stream: true }, requestOptions(cut));
    let hasStopped = false;
    for await (const event of stream) hasStopped ||= event.type === 'message_stop';
    return hasStopped;
  });
}

/** The same for the helper that assembles the final message. */
export async function checkFinalMessage(client: Anthropic, cut: Cut): Promise<string | undefined> {
  return judge(cut, async () => {
    const message = await client.messages.stream(QUESTION, requestOptions(cut)).finalMessage();
    return message.stop_reason !== null;
  });
}

function requestOptions({ recording, offset, kind }: Cut): { headers: Record<string, string>; maxRetries: number } {
  return { headers: { [CUT_FIELD]: cutValue(recording, offset, kind) }, maxRetries: 0 };
}

/** Runs a client and compares what it reports with what is true. */
export async function judge({ recording, offset }: Cut, run: () => Promise<boolean>): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => { timer = setTimeout(() => reject(new Error('HANGS')), TIME_LIMIT_MS); });
  const isWhole = offset >= wholeAt(recording);
  try {
    const hasStopped = await Promise.race([run(), limit]);
    if (isWhole) return undefined;
    return hasStopped ? 'the client saw a stop that never came' : 'the client took a cut stream for a whole one';
  } catch (error) {
    if (error instanceof Error && error.message === 'HANGS') return 'the client hangs';
    const isSyntaxError = error instanceof SyntaxError || (error instanceof Error && error.cause instanceof SyntaxError);
    if (isSyntaxError && boundaries(recording).includes(offset)) return 'the client met a JSON syntax error although the cut was at a boundary';
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** Runs checks a few at a time and returns the failures in words. Stalls, which cost nothing but time, wait beside the others. */
export async function runCuts(cuts: readonly Cut[], check: (cut: Cut) => Promise<string | undefined>, atOnce = 16): Promise<string[]> {
  const [stalls, others] = [cuts.filter(({ kind }) => kind === 'stall'), cuts.filter(({ kind }) => kind !== 'stall')];
  return (await Promise.all([runLane(stalls, check, atOnce), runLane(others, check, atOnce)])).flat();
}

async function runLane(cuts: readonly Cut[], check: (cut: Cut) => Promise<string | undefined>, atOnce: number): Promise<string[]> {
  const failures: string[] = [];
  const queue = [...cuts];
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (let cut = queue.pop(); cut !== undefined; cut = queue.pop()) {
      const problem = await check(cut);
      if (problem !== undefined) failures.push(`${cut.recording.name} cut at ${cut.offset} by ${cut.kind}: ${problem}`);
    }
  }));
  return failures;
}
