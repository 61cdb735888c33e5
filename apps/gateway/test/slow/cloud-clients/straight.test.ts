import { startSimulator } from '@penstock/anthropic-simulator';
import { startCloudStub } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { CLOUD_CLIENTS } from './cloud-clients.ts';

describe.each(CLOUD_CLIENTS.map((client) => [client.name, client] as const))('%s against the stub of its cloud', (_name, { open, verify }) => {
  test('asks, streams and counts with a credential that the stub verifies', async () => {
    await using simulator = await startSimulator();
    await using stub = await startCloudStub({ origin: simulator.origin, verify });
    simulator.reply('The penstock carries it.').reply('The penstock carries it.');
    const { ask, stream, count } = open(stub.origin);
    const [asked, streamed, counted] = [await ask(), await stream(), await count?.()];
    expect(stub.requests.map(({ problem }) => problem)).toEqual(stub.requests.map(() => undefined));
    expect(JSON.stringify(asked)).toContain('The penstock carries it.');
    expect(streamed).toEqual(asked);
    if (count !== undefined) expect(Object.values(counted ?? {})).toEqual([expect.any(Number)]);
  });
});
