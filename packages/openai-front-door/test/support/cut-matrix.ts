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

async function consume(client: OpenAI7, cut: number, useHelper: boolean): Promise<CutVerdict> {
  const request = { model: 'claude-x', messages: [{ role: 'user' as const, content: `cut ${cut}` }] };
  try {
    if (useHelper) await client.chat.completions.stream(request).finalChatCompletion();
    else for await (const _chunk of await client.chat.completions.create({ ...request, stream: true }));
    return { cut, verdict: 'whole' };
  } catch {
    return { cut, verdict: 'broken' };
  }
}

/** Asks every client version, raw and through the stream helper, for answers cut at the given bytes. */
export async function runCutMatrix(cuts: readonly number[], end: CutEnd): Promise<readonly CutVerdict[]> {
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
    for (const cut of cuts) verdicts.push(await consume(client, cut, false), await consume(client, cut, true));
  }
  return verdicts;
}
