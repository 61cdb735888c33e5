import OpenAI7 from 'openai';
import OpenAI5 from 'openai-5';
import OpenAI6 from 'openai-6';
import { messageEvents, text, thinking, toolUse } from './messages-upstream.ts';
import { startFrontDoor } from './start-front-door.ts';

/** The three major versions, under one type: they differ in nothing the tests use. */
export const OPENAI_VERSIONS: readonly (readonly [string, typeof OpenAI7])[] = [['5', OpenAI5 as unknown as typeof OpenAI7], ['6', OpenAI6 as unknown as typeof OpenAI7], ['7', OpenAI7]];

/** A stream with all that a client may hold for whole too early: thinking, text in several scripts, tools with and without arguments. */
export const CUT_STREAM: Buffer = Buffer.from(messageEvents(
  [thinking('hm', 'sig'), text('Grüße ', '漢字 😀'), toolUse('toolu_1', 'a', '{"x":', '"é"}'), toolUse('toolu_2', 'b')],
  { stopReason: 'tool_use' },
));

/** How the upstream's body ends where it was cut. */
export type CutEnd = 'clean' | 'reset';

/** What a client took a cut answer for. */
export interface CutVerdict {
  readonly cut: number;
  readonly verdict: 'broken' | 'whole';
}

/** A protocol that is read from a cut stream. */
export type CutProtocol = 'chat' | 'responses';

async function readChat(client: OpenAI7, input: string, useHelper: boolean): Promise<void> {
  const request = { model: 'claude-x', messages: [{ role: 'user' as const, content: input }] };
  if (useHelper) await client.chat.completions.stream(request).finalChatCompletion();
  else for await (const _chunk of await client.chat.completions.create({ ...request, stream: true }));
}

/** A response is whole once its last event is that it completed; a client that only waits for the end of the body learns nothing of it. */
async function readResponse(client: OpenAI7, input: string, useHelper: boolean): Promise<void> {
  const request = { model: 'claude-x', input };
  let end: string | undefined;
  if (useHelper) end = `response.${String((await client.responses.stream(request).finalResponse()).status)}`;
  else for await (const { type } of await client.responses.create({ ...request, stream: true })) end = type;
  if (end !== 'response.completed') throw new Error('the response is not complete');
}

const READERS: Readonly<Record<CutProtocol, typeof readChat>> = { chat: readChat, responses: readResponse };

async function consume(client: OpenAI7, protocol: CutProtocol, cut: number, useHelper: boolean): Promise<CutVerdict> {
  try {
    await READERS[protocol](client, `cut ${cut}`, useHelper);
    return { cut, verdict: 'whole' };
  } catch {
    return { cut, verdict: 'broken' };
  }
}

/** Asks every client version, raw and through the stream helper, for answers cut at the given bytes. */
export async function runCutMatrix(cuts: readonly number[], end: CutEnd, protocol: CutProtocol): Promise<readonly CutVerdict[]> {
  await using door = await startFrontDoor((request, response) => {
    const cut = Number(/cut (\d+)/.exec(request.bytes.toString())?.[1]);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (cut === 0) response.flushHeaders();
    else response.write(CUT_STREAM.subarray(0, cut));
    if (end === 'clean') response.end();
    else setImmediate(() => { response.destroy(); });
  });
  const verdicts: CutVerdict[] = [];
  for (const [, Client] of OPENAI_VERSIONS) {
    const client = new Client({ apiKey: 'sk', baseURL: door.baseURL, maxRetries: 0 });
    for (const cut of cuts) verdicts.push(await consume(client, protocol, cut, false), await consume(client, protocol, cut, true));
  }
  return verdicts;
}
