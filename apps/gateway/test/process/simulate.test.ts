import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startScriptedUpstream, answerAlways, wholeResponse } from '@penstock/test-support';
import { expect, onTestFinished, test } from 'vitest';
import { runSimulate, type SimulateOptions } from '../../src/commands/simulate/run-simulate.ts';

const ask = (origin: string, model = 'sim-text', headers: Record<string, string> = {}): Promise<Response> => fetch(`${origin}/v1/messages`, {
  method: 'POST', headers: { 'anthropic-version': '2023-06-01', ...headers }, body: JSON.stringify({ model, max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }] }),
});

/** Runs the command until it listens. */
async function simulate(flags: Partial<SimulateOptions>): Promise<{ origin: string; printed: () => string; stop: () => Promise<number> }> {
  let printed = '';
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  const write = (text: string): void => { printed += text; };
  const code = runSimulate({ host: '127.0.0.1', port: '0', ...flags }, stopped, { stdout: { write }, stderr: { write } });
  onTestFinished(() => { stop(); });
  await expect.poll(() => printed).not.toBe('');
  return { origin: /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0] ?? '', printed: () => printed, stop: () => { stop(); return code; } };
}

test('penstock simulate: serves the simulator with faults in each so many-th request, until it is stopped', async () => {
  const { origin, printed, stop } = await simulate({ fault: ['status=529,retry-after=3'], faultEvery: '2' });
  const answers = [await ask(origin), await ask(origin)];
  expect(answers.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual([[200, null], [529, '3']]);
  expect(printed()).toContain(`ANTHROPIC_BASE_URL=${origin} penstock start`);
  expect(await stop()).toBe(0);
  expect(printed()).toContain('stopped after 2 request(s)');
  await expect(ask(origin)).rejects.toThrow();
});

test('penstock simulate: a quota that is spent is answered 429', async () => {
  const { origin } = await simulate({ quota: ['requests=1'] });
  expect([(await ask(origin)).status, (await ask(origin)).status]).toEqual([200, 429]);
});

test('penstock simulate: takes only the given keys, and replays recordings of the user\'s own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-recordings-'));
  onTestFinished(() => { rmSync(folder, { recursive: true }); });
  writeFileSync(join(folder, 'mine.http'), 'HTTP/1.1 402 Payment Required\r\ncontent-type: application/json\r\n\r\n{}');
  const { origin } = await simulate({ apiKey: ['right'], recordings: folder });
  expect([(await ask(origin)).status, (await ask(origin, 'sim-recording:mine', { 'x-api-key': 'right' })).status]).toEqual([401, 402]);
});

test.each<[Partial<SimulateOptions>, RegExp]>([
  [{ fault: ['stauts=529'] }, /--fault must be one of cut-at, /], [{ fault: ['status=x'] }, /status has no usable value/], [{ quota: ['tokens=1'] }, /--quota must be one of requests=N/],
  [{ fault: ['statu=529'] }, /received "statu"; did you mean status\?$/m], [{ fault: ['zzzzzzzz'] }, /received "zzzzzzzz"$/m], [{ quota: ['input-token=1'] }, /received "input-token=1"; did you mean input_tokens\?$/m],
  [{ pace: 'slow' }, /--pace must be a whole number/], [{ port: 'x' }, /--port must be/], [{ recordings: '/nowhere' }, /recordings must be a folder/], [{ faultEvery: '0' }, /--fault-every must be/],
])('penstock simulate: %j is exit code 1 with the reason', async (flags, expected) => {
  const { printed, stop } = await simulate(flags);
  expect(await stop()).toBe(1);
  expect(printed()).toMatch(expected);
});

test('penstock simulate: a port that is taken is named, with the flag for another', async () => {
  await using taken = await startScriptedUpstream(answerAlways(wholeResponse(200, [], '')));
  const { printed, stop } = await simulate({ port: new URL(taken.origin).port });
  expect(await stop()).toBe(1);
  expect(printed()).toMatch(/EADDRINUSE.*--port/);
});
