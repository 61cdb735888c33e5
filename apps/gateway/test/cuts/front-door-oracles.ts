import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { openRawConnection, readEvents, type Recording } from '@penstock/test-support';
import { streamText } from 'ai';
import type OpenAI from 'openai';
import { judge, type Cut } from './cut-oracles.ts';
import { cutModel, wholeAt } from './cutting-upstream.ts';

const MESSAGES = [{ role: 'user' as const, content: 'hi' }];
const TIME_LIMIT_MS = 20_000;
const DONE = '[DONE]';

interface Answer {
  readonly status: number;
  /** The data of each frame. */
  readonly frames: readonly string[];
  readonly isComplete: boolean;
}

/** Makes the check that reads a cut answer of the front door by the letter. The whole answers it compares with are asked for once. */
export function createStrictCheck(port: number): (cut: Cut) => Promise<string | undefined> {
  const wholes = new Map<Recording, Promise<readonly string[]>>();
  const wholeOf = (recording: Recording): Promise<readonly string[]> => {
    const known = wholes.get(recording) ?? askWhole(port, recording);
    wholes.set(recording, known);
    return known;
  };
  return async (cut) => judgeFrames(cut, await ask(port, cut), await wholeOf(cut.recording));
}

async function askWhole(port: number, recording: Recording): Promise<readonly string[]> {
  const { frames } = await ask(port, { recording, offset: recording.body.length, kind: 'fin' });
  // A turn that the API paused has no counterpart at the front door: its whole answer ends with an error, and never with [DONE].
  if (frames.at(-1) !== DONE && !isPaused(recording)) throw new Error(`the whole of ${recording.name} was not answered whole`);
  return frames.filter((frame) => !isError(frame));
}

const isPaused = ({ body }: Recording): boolean => body.includes('"stop_reason":"pause_turn"');
const isError = (frame: string): boolean => frame.startsWith('{"error":');

function judgeFrames({ recording, offset, kind }: Cut, { status, frames, isComplete }: Answer, whole: readonly string[]): string | undefined {
  const isWhole = offset >= wholeAt(recording) && !isPaused(recording);
  // Before its first event the answer has not begun: a cut is an error with a status of its own.
  if (status >= 400) return isWhole && kind !== 'reset' ? `a whole answer became a ${status}` : undefined;
  const errors = frames.filter(isError);
  const chunks = frames.filter((frame) => !isError(frame));
  if (JSON.stringify(chunks) !== JSON.stringify(whole.slice(0, chunks.length))) return 'a chunk was changed';
  if (isWhole) return kind === 'reset' || (isComplete && chunks.length === whole.length && errors.length === 0) ? undefined : 'a whole answer was not told whole';
  if (chunks.includes(DONE)) return 'the cut answer ends with [DONE]';
  if (chunks.some((chunk) => /"finish_reason":"/.test(chunk))) return 'the cut answer has a finish reason';
  if (errors.length > 1 || (errors.length === 1 && !isError(frames.at(-1) ?? ''))) return 'something follows the error';
  return isComplete && errors.length === 0 ? 'the broken answer ended cleanly' : undefined;
}

async function ask(port: number, { recording, offset, kind }: Cut): Promise<Answer> {
  const body = JSON.stringify({ model: cutModel(recording, offset, kind), stream: true, stream_options: { include_usage: true }, messages: MESSAGES });
  const connection = await openRawConnection(port);
  try {
    connection.send(`POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    const response = await connection.readMessage({ kind: 'response' }, TIME_LIMIT_MS);
    const end = response.body.lastIndexOf('\n\n');
    const { events } = readEvents(response.body.subarray(0, end === -1 ? 0 : end + 2));
    // When an answer was made differs from one to the next.
    const frames = events.map(({ data }) => data.replace(/"created":\d+/, '"created":0'));
    return { status: Number(response.startLine.split(' ')[1]), frames, isComplete: response.complete };
  } finally {
    connection.close();
  }
}

/** What an OpenAI client made of a cut answer, chunk by chunk. */
export function checkChunks(client: OpenAI, cut: Cut): Promise<string | undefined> {
  return judge(cut, async () => {
    const stream = await client.chat.completions.create({ model: modelOf(cut), messages: MESSAGES, stream: true }, { maxRetries: 0 });
    let hasStopped = false;
    for await (const chunk of stream) hasStopped ||= chunk.choices[0]?.finish_reason != null;
    return hasStopped;
  });
}

/** The same for the helper that assembles the completion. */
export function checkCompletion(client: OpenAI, cut: Cut): Promise<string | undefined> {
  return judge(cut, async () => {
    const completion = await client.chat.completions.stream({ model: modelOf(cut), messages: MESSAGES }, { maxRetries: 0 }).finalChatCompletion();
    return completion.choices[0]?.finish_reason !== undefined;
  });
}

/** The same for the AI SDK, whose streams report errors in a part. */
export function checkStreamText(origin: string, cut: Cut): Promise<string | undefined> {
  return judge(cut, async () => {
    const model = createOpenAICompatible({ name: 'penstock', baseURL: `${origin}/v1` })(modelOf(cut));
    let hasStopped = false;
    for await (const part of streamText({ model, messages: MESSAGES, maxRetries: 0, onError: () => undefined }).fullStream) {
      if (part.type === 'error') throw part.error instanceof Error ? part.error : new Error('the stream failed');
      hasStopped ||= part.type === 'finish' && part.finishReason !== 'other';
    }
    return hasStopped;
  });
}

function modelOf({ recording, offset, kind }: Cut): string {
  return cutModel(recording, offset, kind);
}
