import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { ChatOpenAI } from '@langchain/openai';
import { openRawConnection, readEvents, type Recording } from '@penstock/test-support';
import { streamText } from 'ai';
import type OpenAI from 'openai';
import { judge, type Cut } from './cut-oracles.ts';
import { cutModel, wholeAt } from './cutting-upstream.ts';
import { CUT_PROTOCOLS, type CutProtocol } from './front-door-protocols.ts';

const MESSAGES = [{ role: 'user' as const, content: 'hi' }];
const TIME_LIMIT_MS = 20_000;

interface Answer {
  readonly status: number;
  /** The data of each frame. */
  readonly frames: readonly string[];
  readonly isComplete: boolean;
}

/** Makes the check that reads a cut answer of the front door by the letter. The whole answers it compares with are asked for once. */
export function createStrictCheck(port: number, protocol: CutProtocol = CUT_PROTOCOLS.chat): (cut: Cut) => Promise<string | undefined> {
  const wholes = new Map<Recording, Promise<readonly string[]>>();
  const wholeOf = (recording: Recording): Promise<readonly string[]> => {
    const known = wholes.get(recording) ?? askWhole(port, protocol, recording);
    wholes.set(recording, known);
    return known;
  };
  return async (cut) => judgeFrames(cut, protocol, await ask(port, protocol, cut), await wholeOf(cut.recording));
}

async function askWhole(port: number, protocol: CutProtocol, recording: Recording): Promise<readonly string[]> {
  const { frames } = await ask(port, protocol, { recording, offset: recording.body.length, kind: 'fin' });
  if (!frames.some(protocol.isEnd) || frames.some(protocol.isFailure)) throw new Error(`the whole of ${recording.name} was not answered whole`);
  return frames;
}

function judgeFrames({ recording, offset, kind }: Cut, { isEnd, isFailure }: CutProtocol, { status, frames, isComplete }: Answer, whole: readonly string[]): string | undefined {
  const isWhole = offset >= wholeAt(recording);
  // Before its first event the answer has not begun: a cut is an error with a status of its own.
  if (status >= 400) return isWhole && kind !== 'reset' ? `a whole answer became a ${status}` : undefined;
  const parts = frames.filter((frame) => !isFailure(frame));
  const hasFailed = parts.length < frames.length;
  if (JSON.stringify(parts) !== JSON.stringify(whole.slice(0, parts.length))) return 'a frame was changed';
  if (isWhole) return kind === 'reset' || (isComplete && parts.length === whole.length && !hasFailed) ? undefined : 'a whole answer was not told whole';
  if (parts.some(isEnd)) return 'the cut answer has an end';
  if (!frames.slice(parts.length).every(isFailure)) return 'something follows the failure';
  return isComplete && !hasFailed ? 'the broken answer ended cleanly' : undefined;
}

async function ask(port: number, protocol: CutProtocol, { recording, offset, kind }: Cut): Promise<Answer> {
  const body = JSON.stringify(protocol.ask(cutModel(recording, offset, kind)));
  const connection = await openRawConnection(port);
  try {
    connection.send(`POST ${protocol.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    const response = await connection.readMessage({ kind: 'response' }, TIME_LIMIT_MS);
    const end = response.body.lastIndexOf('\n\n');
    const { events } = readEvents(response.body.subarray(0, end === -1 ? 0 : end + 2));
    return { status: Number(response.startLine.split(' ')[1]), frames: events.map(({ data }) => protocol.normalize(data)), isComplete: response.complete };
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

/** What an OpenAI client made of a cut answer of the Responses API, event by event. */
export function checkResponseEvents(client: OpenAI, cut: Cut): Promise<string | undefined> {
  return judge(cut, async () => {
    let end = '';
    for await (const { type } of await client.responses.create({ model: modelOf(cut), input: 'hi', stream: true }, { maxRetries: 0 })) end = type;
    return CUT_PROTOCOLS.responses.isEnd(`{"type":"${end}"`);
  });
}

/** The same for the helper that assembles the response. */
export function checkResponse(client: OpenAI, cut: Cut): Promise<string | undefined> {
  return judge(cut, async () => {
    const { status } = await client.responses.stream({ model: modelOf(cut), input: 'hi' }, { maxRetries: 0 }).finalResponse();
    return status === 'completed' || status === 'incomplete';
  });
}

/** The same for LangChain, which passes a failed response over. */
export function checkLangChain(origin: string, cut: Cut): Promise<string | undefined> {
  return judge(cut, async () => {
    const model = new ChatOpenAI({ apiKey: 'x', configuration: { baseURL: `${origin}/v1` }, model: modelOf(cut), maxRetries: 0, useResponsesApi: true });
    let parts = 0;
    for await (const _part of await model.stream('hi')) parts += 1;
    return parts > 0;
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
