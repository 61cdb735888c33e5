import { describe, expect, it } from 'vitest';
import { freePort } from '@penstock/test-support';
import type { UpstreamHandler } from '@penstock/upstream-client';
import type { UpstreamGroup } from '../src/index.ts';
import { answerWith, startGroup, startUpstream } from './start-group.ts';

const STEPS = ['onBodySent', 'onRequestSent', 'onResponseStarted'] as const;

/** Sends a request with a body in two pieces; resolves with the steps of a handler that has these. */
async function stepsOf(group: UpstreamGroup, wanted: readonly (typeof STEPS)[number][]): Promise<readonly string[]> {
  const steps: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
  const handler: UpstreamHandler = {
    onResponseStart: (_controller, status) => { steps.push(String(status)); },
    onResponseEnd: () => { resolve(steps); },
    onResponseError: (_controller, error) => { reject(error); },
  };
  const observers: Required<Pick<UpstreamHandler, (typeof STEPS)[number]>> = {
    onBodySent: (chunk) => { steps.push(`onBodySent ${chunk.toString('latin1')}`); },
    onRequestSent: () => { steps.push('onRequestSent'); },
    onResponseStarted: () => { steps.push('onResponseStarted'); },
  };
  for (const step of wanted) Object.assign(handler, { [step]: observers[step] });
  group.dispatch({ path: '/', method: 'POST', body: [Buffer.from('one '), Buffer.from('two')] }, handler);
  return await promise;
}

describe('a handler', () => {
  it.each([
    [[], ['200']],
    [['onBodySent'], ['onBodySent one two', '200']],
    [['onRequestSent'], ['onRequestSent', '200']],
    [['onResponseStarted'], ['onResponseStarted', '200']],
    [STEPS, ['onBodySent one two', 'onRequestSent', 'onResponseStarted', '200']],
  ] as const)('that takes %j gets these steps of the try that is its answer', async (wanted, expected) => {
    await using world = startGroup([{ origin: `http://127.0.0.1:${await freePort()}`, stop: () => Promise.resolve() }, await startUpstream(answerWith(200, 'served'))]);
    expect(await stepsOf(world.group, wanted)).toEqual(expected);
    expect(world.failovers).toEqual(['a>b not_sent']);
  });
});
