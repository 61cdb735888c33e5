import OpenAI from 'openai';
import OpenAI5 from 'openai-5';
import OpenAI6 from 'openai-6';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';
import { runCuts, type Cut } from './cut-oracles.ts';
import { planCuts, thinned } from './cut-plan.ts';
import { startCuttingUpstream, wholeStreams, type CuttingUpstream } from './cutting-upstream.ts';
import { checkChunks, checkCompletion, checkLangChain, checkResponse, checkResponseEvents, checkStreamText, createStrictCheck } from './front-door-oracles.ts';
import { CUT_PROTOCOLS } from './front-door-protocols.ts';

const recordings = wholeStreams().slice(0, 3);
if (recordings.length === 0) console.warn('front-door-cuts: no recordings found, their tests are skipped');
const cuts = planCuts(recordings);

let upstream: CuttingUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startCuttingUpstream(recordings);
  gateway = await startTestGateway(upstream.origin, { openai_front_door: { timeouts: { idle: 0.5 }, pool: { max_connections: 64, max_waiting: 500 } } });
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const sdks: ReadonlyArray<readonly [string, () => OpenAI]> = [
  ['7', () => new OpenAI({ apiKey: 'x', baseURL: `${gateway.origin}/v1` })],
  ['6', () => new OpenAI6({ apiKey: 'x', baseURL: `${gateway.origin}/v1` }) as unknown as OpenAI],
  ['5', () => new OpenAI5({ apiKey: 'x', baseURL: `${gateway.origin}/v1` }) as unknown as OpenAI],
];

describe.skipIf(recordings.length === 0)('no client of the front door ever takes a cut answer for a whole one (sampled; the slow suite has every byte)', () => {
  test.each(['chat', 'responses'] as const)('a strict reader of %s', async (protocol) => {
    expect(await runCuts(thinned(cuts, 37), createStrictCheck(gateway.port, CUT_PROTOCOLS[protocol]))).toEqual([]);
  });

  test.each(sdks)('the openai package, major version %s, chunk by chunk and assembled', async (_name, create) => {
    const client = create();
    const few = thinned(cuts, 181);
    expect(await runCuts(few, (cut: Cut) => checkChunks(client, cut))).toEqual([]);
    expect(await runCuts(few, (cut: Cut) => checkCompletion(client, cut))).toEqual([]);
  });

  test.each(sdks)('the openai package, major version %s, over the Responses API, event by event and assembled', async (_name, create) => {
    const client = create();
    const few = thinned(cuts, 181);
    expect(await runCuts(few, (cut: Cut) => checkResponseEvents(client, cut))).toEqual([]);
    expect(await runCuts(few, (cut: Cut) => checkResponse(client, cut))).toEqual([]);
  });

  test('LangChain over the Responses API', async () => {
    expect(await runCuts(thinned(cuts, 181), (cut) => checkLangChain(gateway.origin, cut))).toEqual([]);
  });

  test('the AI SDK', async () => {
    expect(await runCuts(thinned(cuts, 181), (cut) => checkStreamText(gateway.origin, cut))).toEqual([]);
  });
});
