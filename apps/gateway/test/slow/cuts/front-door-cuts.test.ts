import OpenAI from 'openai';
import OpenAI5 from 'openai-5';
import OpenAI6 from 'openai-6';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCuts, type Cut } from '../../cuts/cut-oracles.ts';
import { describeCuts, planCuts, thinned } from '../../cuts/cut-plan.ts';
import { startCuttingUpstream, wholeStreams, type CuttingUpstream } from '../../cuts/cutting-upstream.ts';
import { checkChunks, checkCompletion, checkLangChain, checkResponse, checkResponseEvents, checkStreamText, createStrictCheck } from '../../cuts/front-door-oracles.ts';
import { CUT_PROTOCOLS } from '../../cuts/front-door-protocols.ts';
import { runPenstock, type PenstockProcess } from '../../run-penstock.ts';

const isBounded = process.env['PENSTOCK_SLOW_BOUNDED'] === '1';
const recordings = wholeStreams();
if (recordings.length === 0) console.warn('front-door-cuts: no recordings found, their tests are skipped');
const cuts = planCuts(recordings);
const strict = thinned(cuts, isBounded ? 3 : 1);
const forClients = thinned(cuts, isBounded ? 23 : 1);

let upstream: CuttingUpstream;
// A process of its own: the clients of 288,000 cells are work enough for one.
let gateway: PenstockProcess;
const cells = { run: 0, failed: 0 };
const startedAt = performance.now();

beforeAll(async () => {
  upstream = await startCuttingUpstream(recordings);
  gateway = await runPenstock({
    document: {
      anthropic_native: { base_url: upstream.origin }, log: { level: 'error' },
      openai_front_door: { timeouts: { idle: 0.5 }, pool: { max_connections: 256, max_waiting: 500 } },
    },
    flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' },
  });
});

afterAll(async () => {
  console.info(`front door, all clients: ${cells.run} cells, ${cells.failed} of them failed, ${Math.round((performance.now() - startedAt) / 1000)} s`);
  await gateway[Symbol.asyncDispose]();
  await upstream.close();
});

const sdks: ReadonlyArray<readonly [string, () => OpenAI]> = [
  ['7', () => new OpenAI({ apiKey: 'x', baseURL: `${gateway.origin}/v1` })],
  ['6', () => new OpenAI6({ apiKey: 'x', baseURL: `${gateway.origin}/v1` }) as unknown as OpenAI],
  ['5', () => new OpenAI5({ apiKey: 'x', baseURL: `${gateway.origin}/v1` }) as unknown as OpenAI],
];

/** Runs one check over its cuts, expects that none fails, and says how many there were. */
async function expectNone(name: string, chosen: readonly Cut[], check: (cut: Cut) => Promise<string | undefined>): Promise<void> {
  const begunAt = performance.now();
  const failures = await runCuts(chosen, check);
  cells.run += chosen.length;
  cells.failed += failures.length;
  console.info(`front door, ${name}: ${chosen.length} cuts of ${recordings.length} recordings (${describeCuts(chosen)}), ${failures.length} failed, ${Math.round((performance.now() - begunAt) / 1000)} s`);
  expect(failures).toEqual([]);
}

// At once: what bounds one client is its own work, what bounds another the gateway's.
describe.skipIf(recordings.length === 0).concurrent('no client of the front door ever takes a cut answer for a whole one (every byte of the smallest recordings, three bytes around each boundary of all)', () => {
  test.each(['chat', 'responses'] as const)('a strict reader of %s', (protocol) => expectNone(`strict reader, ${protocol}`, strict, createStrictCheck(gateway.port, CUT_PROTOCOLS[protocol])), 3_600_000);

  test.each(sdks)('the openai package, major version %s, over both protocols, piece by piece and assembled', async (version, create) => {
    const client = create();
    await expectNone(`openai ${version}, chunk by chunk`, forClients, (cut) => checkChunks(client, cut));
    await expectNone(`openai ${version}, assembled`, forClients, (cut) => checkCompletion(client, cut));
    await expectNone(`openai ${version}, responses, event by event`, forClients, (cut) => checkResponseEvents(client, cut));
    await expectNone(`openai ${version}, responses, assembled`, forClients, (cut) => checkResponse(client, cut));
  }, 3_600_000);

  test('LangChain over the Responses API', () => expectNone('LangChain, responses', forClients, (cut) => checkLangChain(gateway.origin, cut)), 3_600_000);

  test('the AI SDK', () => expectNone('AI SDK', forClients, (cut) => checkStreamText(gateway.origin, cut)), 3_600_000);
});
