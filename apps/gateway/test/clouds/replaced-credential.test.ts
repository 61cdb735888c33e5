import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fieldValues, wholeResponse } from '@penstock/test-support';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { startLateUpstream, type LateUpstream } from '../late-upstream.ts';
import { MESSAGE, pairOf, post, type CloudPair } from './cloud-gateway.ts';

/** As long as what a command printed is used, in milliseconds. */
const REFRESH_MS = 300_000;
const SIDES = [['bedrock', '/bedrock/model/us.anthropic.claude-x-v1:0/invoke'], ['vertex', '/vertex/v1/projects/p1/locations/us-east5/publishers/anthropic/models/claude-x:rawPredict']] as const;
const folder = mkdtempSync(join(tmpdir(), 'penstock-replaced-'));
afterAll(() => { rmSync(folder, { recursive: true }); });
afterEach(() => { vi.useRealTimers(); });

/** A program that prints the next bearer each time: `bearer-1`, `bearer-2`. */
function countingProgram(name: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\necho x >> ${path}.runs\necho "bearer-$(wc -l < ${path}.runs | tr -d ' ')"\n`);
  chmodSync(path, 0o700);
  return path;
}

const ANSWERS = { 200: wholeResponse(200, ['content-type', 'application/json'], MESSAGE), 401: wholeResponse(401, ['content-type', 'application/json'], '{"message":"no"}') } as const;

/** A cloud whose first answer comes when the test lets it. The first request with a bearer other than the first one gets `second`. */
function startLate(first: 200 | 401, second: 200 | 401): Promise<LateUpstream> {
  return startLateUpstream(({ rawHeaders }, isFirst) => {
    const isOld = fieldValues(rawHeaders, 'authorization').includes('Bearer bearer-1');
    return ANSWERS[isFirst ? first : isOld ? 200 : second];
  });
}

interface Replaced extends CloudPair {
  readonly late: Promise<Response>;
  readonly answer: () => void;
  /** The state of the side's upstream. */
  readonly state: () => unknown;
}

/** A gateway whose first request is without an answer while its bearer was replaced, and the new one was answered. */
async function startReplaced(side: (typeof SIDES)[number][0], path: string, { first, second }: { readonly first: 200 | 401; readonly second: 200 | 401 }): Promise<Replaced> {
  vi.useFakeTimers({ toFake: ['Date'] });
  const upstream = await startLate(first, second);
  const pair = await pairOf(upstream, { [side]: { credential: { bearer_command: [countingProgram(`${side}-${first}-${second}`)] } } });
  const late = post(pair.gateway, path);
  await upstream.arrived;
  vi.setSystemTime(Date.now() + REFRESH_MS);
  await expect.poll(async () => {
    await (await post(pair.gateway, path)).text();
    return fieldValues(upstream.requests.at(-1)?.rawHeaders ?? [], 'authorization');
  }, { timeout: 30_000, interval: 10 }).toEqual(['Bearer bearer-2']);
  // All but the late one.
  await pair.gateway.recorded(upstream.requests.length - 1);
  return { ...pair, late, answer: upstream.answer, state: () => pair.gateway.upstreams().find(({ name }) => name === side) };
}

/** The outcomes of all requests, the late one included. */
async function recordedLate({ gateway, cloud }: Replaced): Promise<readonly unknown[]> {
  const all = await gateway.recorded(cloud.requests.length);
  return all.map(({ outcome }) => outcome);
}

describe.each(SIDES)('an answer on /%s to a request with the bearer that was replaced meanwhile', (side, path) => {
  test('a 401 is explained to its client, and does not show the new bearer as refused', async () => {
    await using replaced = await startReplaced(side, path, { first: 401, second: 200 });
    replaced.answer();
    expect((await replaced.late).status).toBe(502);
    expect(await recordedLate(replaced)).toContain('upstream_credential_refused');
    expect(replaced.state()).toMatchObject({ trouble: undefined, refusedAt: 0 });
  });

  test('a success does not show the new bearer as good that was refused', async () => {
    await using replaced = await startReplaced(side, path, { first: 200, second: 401 });
    expect(replaced.state()).toMatchObject({ trouble: { cause: 'credential_refused' } });
    replaced.answer();
    expect((await replaced.late).status).toBe(200);
    expect((await recordedLate(replaced)).filter((outcome) => outcome === 'upstream_credential_refused')).toHaveLength(1);
    expect(replaced.state()).toMatchObject({ trouble: { cause: 'credential_refused' } });
  });
});
