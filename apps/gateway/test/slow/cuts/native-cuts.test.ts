import Anthropic from '@anthropic-ai/sdk';
import AnthropicOld from 'anthropic-sdk-0-71';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkFinalMessage, checkIterator, checkStrictly, runCuts, type Cut } from '../../cuts/cut-oracles.ts';
import { describeCuts, planCuts, thinned } from '../../cuts/cut-plan.ts';
import { startCuttingUpstream, wholeStreams, type CuttingUpstream } from '../../cuts/cutting-upstream.ts';
import { startTestGateway, type TestGateway } from '../../start-test-gateway.ts';

const isBounded = process.env['PENSTOCK_SLOW_BOUNDED'] === '1';
const recordings = wholeStreams();
if (recordings.length === 0) console.warn('native-cuts: no recordings found, their tests are skipped');
const cuts = planCuts(recordings);
const strict = thinned(cuts, isBounded ? 3 : 1);
const forClients = thinned(cuts, isBounded ? 23 : 1);

let upstream: CuttingUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startCuttingUpstream(recordings);
  gateway = await startTestGateway(upstream.origin, { anthropic_native: { timeouts: { idle: 0.5 }, pool: { max_connections: 64, max_waiting: 500 } } });
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const sdks: ReadonlyArray<readonly [string, () => Anthropic]> = [
  ['1.x', () => new Anthropic({ apiKey: 'x', baseURL: gateway.anthropic })],
  ['0.71', () => new AnthropicOld({ apiKey: 'x', baseURL: gateway.anthropic }) as unknown as Anthropic],
];

describe.skipIf(recordings.length === 0)('no native client ever takes a cut stream for a whole one (every byte of the smallest recordings, three bytes around each boundary of all)', () => {
  test('a strict reader', async () => {
    console.info(`native, strict reader: ${strict.length} cuts of ${recordings.length} recordings (${describeCuts(strict)})`);
    expect(await runCuts(strict, (cut) => checkStrictly(gateway.port, cut))).toEqual([]);
  }, 1_800_000);

  test.each(sdks)('@anthropic-ai/sdk %s, raw iterator and final message', async (name, create) => {
    const client = create();
    console.info(`native, @anthropic-ai/sdk ${name}: ${forClients.length} cuts, twice (${describeCuts(forClients)})`);
    expect(await runCuts(forClients, (cut: Cut) => checkIterator(client, cut))).toEqual([]);
    expect(await runCuts(forClients, (cut: Cut) => checkFinalMessage(client, cut))).toEqual([]);
  }, 1_800_000);
});
