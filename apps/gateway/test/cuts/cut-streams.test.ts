import Anthropic from '@anthropic-ai/sdk';
import AnthropicOld from 'anthropic-sdk-0-71';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';
import { checkFinalMessage, checkIterator, checkStrictly, runCuts, type Cut } from './cut-oracles.ts';
import { boundaries, startCuttingUpstream, wholeStreams, type CuttingUpstream } from './cutting-upstream.ts';

const recordings = wholeStreams().slice(0, 3);
if (recordings.length === 0) console.warn('cut-streams: no recordings found, their tests are skipped');

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

/** Around the boundaries, and every 29th byte elsewhere. */
const sampled = (): Cut[] => recordings.flatMap((recording) => {
  const near = boundaries(recording).flatMap((end) => [end - 1, end, end + 1]).filter((offset) => offset <= recording.body.length);
  const spread = Array.from({ length: Math.floor(recording.body.length / 29) }, (_, index) => index * 29);
  return [...new Set([...near, ...spread])].map((offset) => ({ recording, offset, kind: 'fin' as const }));
});
const few = (kind: Cut['kind']): Cut[] => recordings.slice(0, 1).flatMap((recording) =>
  boundaries(recording).slice(0, 6).flatMap((end) => [{ recording, offset: end, kind }, { recording, offset: end - 1, kind }]));

const sdks: ReadonlyArray<readonly [string, () => Anthropic]> = [
  ['1.x', () => new Anthropic({ apiKey: 'x', baseURL: gateway.anthropic })],
  ['0.71', () => new AnthropicOld({ apiKey: 'x', baseURL: gateway.anthropic }) as unknown as Anthropic],
];

describe.skipIf(recordings.length === 0)('no client ever takes a cut stream for a whole one (sampled; the slow suite has every byte)', () => {
  test('a strict reader', async () => {
    expect(await runCuts([...sampled(), ...few('reset'), ...few('stall')], (cut) => checkStrictly(gateway.port, cut))).toEqual([]);
  });

  test('a strict reader, where an error event may stand before the break (broken_streams: event)', async () => {
    await using withEvents = await startTestGateway(upstream.origin, { anthropic_native: { broken_streams: 'event', timeouts: { idle: 0.5 }, pool: { max_connections: 64, max_waiting: 500 } } });
    const cuts = [...sampled().filter(({ offset }) => offset % 5 === 0), ...few('fin'), ...few('reset'), ...few('stall')];
    expect(await runCuts(cuts, (cut) => checkStrictly(withEvents.port, cut, 'event'))).toEqual([]);
  });

  test.each(sdks)('@anthropic-ai/sdk %s, raw iterator and final message', async (_name, create) => {
    const client = create();
    const cuts = [...sampled().filter(({ offset }) => offset % 3 === 0), ...few('reset'), ...few('stall')];
    expect(await runCuts(cuts, (cut) => checkIterator(client, cut))).toEqual([]);
    expect(await runCuts(cuts, (cut) => checkFinalMessage(client, cut))).toEqual([]);
  });
});
