import type { ScriptedUpstream } from '@penstock/test-support';
import OpenAI from 'openai';
import OpenAI5 from 'openai-5';
import OpenAI6 from 'openai-6';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCuts, type Cut } from '../../cuts/cut-oracles.ts';
import { describeCuts, planCuts, thinned } from '../../cuts/cut-plan.ts';
import { startCuttingUpstream, wholeStreams } from '../../cuts/cutting-upstream.ts';
import { checkChunks, checkCompletion, checkStreamText, createStrictCheck } from '../../cuts/front-door-oracles.ts';
import { startTestGateway, type TestGateway } from '../../start-test-gateway.ts';

const isBounded = process.env['PENSTOCK_SLOW_BOUNDED'] === '1';
const recordings = wholeStreams();
if (recordings.length === 0) console.warn('front-door-cuts: no recordings found, their tests are skipped');
const cuts = planCuts(recordings);
const strict = thinned(cuts, isBounded ? 3 : 1);
const forClients = thinned(cuts, isBounded ? 23 : 1);

let upstream: ScriptedUpstream;
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

describe.skipIf(recordings.length === 0)('no client of the front door ever takes a cut answer for a whole one (every byte of the smallest recordings, three bytes around each boundary of all)', () => {
  test('a strict reader', async () => {
    console.info(`front door, strict reader: ${strict.length} cuts of ${recordings.length} recordings (${describeCuts(strict)})`);
    expect(await runCuts(strict, createStrictCheck(gateway.port))).toEqual([]);
  }, 1_800_000);

  test.each(sdks)('the openai package, major version %s, chunk by chunk and assembled', async (version, create) => {
    const client = create();
    console.info(`front door, openai ${version}: ${forClients.length} cuts, twice (${describeCuts(forClients)})`);
    expect(await runCuts(forClients, (cut: Cut) => checkChunks(client, cut))).toEqual([]);
    expect(await runCuts(forClients, (cut: Cut) => checkCompletion(client, cut))).toEqual([]);
  }, 1_800_000);

  test('the AI SDK', async () => {
    console.info(`front door, AI SDK: ${forClients.length} cuts (${describeCuts(forClients)})`);
    expect(await runCuts(forClients, (cut) => checkStreamText(gateway.origin, cut))).toEqual([]);
  }, 1_800_000);
});
